/**
 * All rules of MQTT 3.1.1, in the order of the standard's chapters.
 */
import type { Rule } from "../support/rules.ts"
import { answer, connack } from "./connack.ts"
import { credentials, firstPacket, malformedConnect, version, willFlags } from "./connect.ts"
import { errors, transports, webSocket } from "./connection.ts"
import { fixedHeader, packetIdentifiers, strings } from "./data.ts"
import { order, qos0, qos1, qos2, repetition } from "./delivery.ts"
import { clientIdentifier, payload } from "./identifiers.ts"
import { actions, duplicate, topicName } from "./publish.ts"
import { retain } from "./retain.ts"
import { cleanSession, state, takeOver } from "./session.ts"
import { response, subscribe } from "./subscribe.ts"
import { semantics, serverTopics, wildcards } from "./topics.ts"
import { ping, release, unsubscribe } from "./unsubscribe.ts"
import { keepAlive, wills } from "./wills.ts"

export const rulesV311: ReadonlyArray<Rule> = [
  strings,
  fixedHeader,
  packetIdentifiers,
  firstPacket,
  version,
  cleanSession,
  willFlags,
  wills,
  credentials,
  keepAlive,
  payload,
  clientIdentifier,
  malformedConnect,
  takeOver,
  answer,
  connack,
  duplicate,
  retain,
  topicName,
  actions,
  release,
  subscribe,
  response,
  unsubscribe,
  ping,
  state,
  qos0,
  qos1,
  qos2,
  repetition,
  order,
  wildcards,
  serverTopics,
  semantics,
  errors,
  webSocket,
  transports
].flat()
