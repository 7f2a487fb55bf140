/**
 * All rules of MQTT 5.0, in the order of the standard's chapters.
 */
import type { Rule } from "../support/rules.ts"
import { puback, pubcomp, pubrec, pubrel } from "./acknowledgements.ts"
import { auth, enhancedAuthentication } from "./auth.ts"
import { connect } from "./connect.ts"
import { connack, connectActions, connectPayload } from "./connect-payload.ts"
import { connectSession, keepAlive, wishes } from "./connect-session.ts"
import { controlPackets, dataTypes } from "./data.ts"
import { disconnect, errors } from "./disconnect.ts"
import { flowControl, publishActions } from "./publish-actions.ts"
import { publishProperties, publishTopic, topicAlias } from "./publish-properties.ts"
import { publishFlags, publishRetain } from "./publish-retain.ts"
import { qos2Receiving, qos2Sending, qos01 } from "./qos.ts"
import { delivery, sessionState } from "./session.ts"
import { suback, subscribe } from "./subscribe.ts"
import { sharedSubscriptions, topics } from "./topics.ts"
import { ping, unsuback, unsubscribe } from "./unsubscribe.ts"
import { webSocket } from "./websocket.ts"
import { wills } from "./will.ts"

export const rulesV5: ReadonlyArray<Rule> = [
  dataTypes,
  controlPackets,
  connect,
  connectSession,
  keepAlive,
  wishes,
  wills,
  connectPayload,
  connectActions,
  connack,
  publishFlags,
  publishRetain,
  publishTopic,
  publishProperties,
  topicAlias,
  publishActions,
  flowControl,
  puback,
  pubrec,
  pubrel,
  pubcomp,
  subscribe,
  suback,
  unsubscribe,
  unsuback,
  ping,
  disconnect,
  auth,
  sessionState,
  qos01,
  qos2Sending,
  qos2Receiving,
  delivery,
  topics,
  sharedSubscriptions,
  enhancedAuthentication,
  errors,
  webSocket
].flat()
