/**
 * Packets from one client, in the order in which they arrived: a read chunk in, whole packets to their
 * verbs. This is the per-batch border: one call per chunk, plain code inside.
 *
 * Invariants
 * - When a packet needs an Effect (CONNECT, a verdict not known) the connection stops scanning here; it goes
 *   on, with the same bytes, when the Effect is done.
 * - A packet that is wrong ends this connection and nobody else's [MQTT-4.13.1-1].
 * - The clock is read once per chunk.
 */
import { PacketType } from "../codec/codec.ts"
import { Fault } from "../codec/fault.ts"
import { pingrespBytes } from "../codec/write-acknowledgement.ts"
import type { PacketReceiver } from "../listener/connection.ts"
import { Counter } from "../metrics/counters.ts"
import { refuseConnect } from "./accept.ts"
import { receiveAcknowledgement } from "./acknowledge.ts"
import { decidePublish, decideSubscribe } from "./ask.ts"
import { pump } from "./catch-up.ts"
import { type Client, ClientState } from "./client.ts"
import { receiveConnect } from "./connect.ts"
import type { Core } from "./core.ts"
import { closeClient, connectionLost, receiveDisconnect } from "./disconnect.ts"
import { receiveAuth } from "./enhanced.ts"
import {
  authNotVersion5,
  notConnected,
  notYetConnected,
  secondConnect,
  serverOnlyPacket,
  unknownPacket
} from "./faults.ts"
import { ASK, publish } from "./publish.ts"
import { bookFaulty, isOurs } from "./refusals.ts"
import { receiveUnsubscribe } from "./subscribe.ts"
import { mustWaitToPublish } from "./throttle.ts"
import { userPropertiesFault } from "./user-properties.ts"
import { hasRoomForRun } from "./user-quotas.ts"

/** What a verb answers: nothing, a fault to close with, or "ask first, then look at this packet again". */
type Outcome = Fault | typeof ASK | undefined

/** Until it has said who it is a client cannot make the broker hold more than a CONNECT. */
export const frameSizeMax = (core: Core, client: Client): number =>
  client.state === ClientState.connected ? core.limits.packetSizeBytesMax : core.limits.connectPacketSizeBytesMax

/** [LIM-11] Half a packet that is no CONNECT: the rest of it is not waited for, nor held. */
const isStranger = ({ state }: Client, firstByte: number): boolean =>
  state === ClientState.awaitConnect && firstByte >> 4 !== PacketType.connect

export class Receiver implements PacketReceiver {
  readonly #core: Core
  readonly #client: Client

  constructor(core: Core, client: Client) {
    this.#core = core
    this.#client = client
  }

  receive(buffer: Buffer, start: number, end: number): number {
    const core = this.#core
    const client = this.#client
    const { connection } = client
    core.tick()
    let at = start
    while (at < end && client.state !== ClientState.closed && !connection.stopped) {
      const length = core.codec.frameLength(buffer, at, end, frameSizeMax(core, client))
      if (typeof length !== "number") {
        return this.#end(length, start, end)
      }
      if (length === 0 || at + length > end) {
        if (isStranger(client, buffer[at] as number)) return this.#end(notConnected, start, end) // [LIM-11]
        break
      }
      const type = (buffer[at] as number) >> 4
      const { publishing } = client
      if (publishing !== undefined && type === PacketType.publish && mustWaitToPublish(core, client, publishing)) break
      core.count[Counter.packetsIn + type] = (core.count[Counter.packetsIn + type] as number) + 1
      let next = at + length
      let outcome: Outcome
      if (type === PacketType.publish && client.state === ClientState.connected) {
        outcome = this.#publish(buffer, at, next, end)
        if (outcome === undefined) next = client.publishView.frameEndRead
      } else outcome = this.#dispatch(type, buffer, at, next)
      if (outcome === ASK) break
      if (outcome !== undefined) {
        return this.#end(outcome, start, end)
      }
      at = next
    }
    if (at > start) {
      client.lastReceivedMs = core.loopMs
      core.count[Counter.bytesIn] = (core.count[Counter.bytesIn] as number) + at - start
    }
    if (core.meter?.chunkDone() === true) core.meter.looked(core.options.clock.loopMs() - core.loopMs)
    client.partialSinceMs = at === end || connection.stopped ? -1 : core.loopMs
    if (client.pumpWanted) {
      client.pumpWanted = false
      pump(core, client)
    }
    return client.state === ClientState.closed ? end : at
  }

  closed(error: Error | undefined): void {
    this.#core.tick()
    connectionLost(this.#core, this.#client, error)
  }

  /** One PUBLISH, or a run of QoS 0 PUBLISH frames alike but for their payloads. */
  #publish(buffer: Buffer, at: number, frameEnd: number, end: number): Outcome {
    const core = this.#core
    const client = this.#client
    const view = client.publishView
    const fault = core.codec.readPublish(view, buffer, at, frameEnd, client.version)
    if (fault !== undefined) return fault
    view.frameEndRead = frameEnd
    let frames = 1
    if (
      view.qos === 0 &&
      !view.retain &&
      (client.publishing === undefined || client.publishing.takesRuns) &&
      (client.quota === undefined || hasRoomForRun(core, client.quota)) &&
      frameEnd < end &&
      view.topicAlias === 0 &&
      view.propertiesStart === view.propertiesEnd
    ) {
      view.runFrames = 1
      const runEnd = core.codec.runEnd(view, end, core.limits.packetSizeBytesMax)
      if (runEnd > frameEnd) {
        frames = view.runFrames
        view.frameEnd = runEnd
        view.frameEndRead = runEnd
        core.count[Counter.packetsIn + 3] = (core.count[Counter.packetsIn + 3] as number) + frames - 1
      }
    }
    const outcome = publish(core, client, frames)
    if (outcome !== ASK) client.publishing?.take(frames, view.frameEndRead - at) // [LIM-3]
    if (outcome === ASK) {
      // It is read again, and counts then [MET-1].
      core.count[Counter.packetsIn + 3] = (core.count[Counter.packetsIn + 3] as number) - frames
      decidePublish(core, client)
    } else if (outcome !== undefined) bookFaulty(core, client, view, outcome, frames)
    return outcome
  }

  #dispatch(type: number, buffer: Buffer, at: number, end: number): Outcome {
    const core = this.#core
    const client = this.#client
    if (client.state === ClientState.awaitConnect) {
      return type === PacketType.connect ? receiveConnect(core, client, buffer, at, end) : notConnected // [MQTT-3.1.0-1]
    }
    if (client.state === ClientState.connecting && type !== PacketType.auth) {
      return type === PacketType.connect ? secondConnect : notYetConnected
    }
    switch (type) {
      case PacketType.puback:
      case PacketType.pubrec:
      case PacketType.pubrel:
      case PacketType.pubcomp: {
        const fault = core.codec.readAcknowledgement(client.ackView, buffer, at, end, client.version)
        return fault ?? receiveAcknowledgement(core, client, type)
      }
      case PacketType.pingreq: {
        const fault = core.codec.checkPing(buffer, at, end)
        if (fault === undefined) this.#answerPing()
        return fault
      }
      case PacketType.subscribe: {
        const packet = core.codec.decodeSubscribe(buffer, at, end, client.version)
        if (packet instanceof Fault) return packet
        return userPropertiesFault(core, packet.properties) ?? decideSubscribe(core, client, packet)
      }
      case PacketType.unsubscribe: {
        const packet = core.codec.decodeUnsubscribe(buffer, at, end, client.version)
        if (packet instanceof Fault) return packet
        return userPropertiesFault(core, packet.properties) ?? receiveUnsubscribe(core, client, packet)
      }
      case PacketType.disconnect: {
        const packet = core.codec.decodeDisconnect(buffer, at, end, client.version)
        if (packet instanceof Fault) return packet
        return userPropertiesFault(core, packet.properties) ?? receiveDisconnect(core, client, packet) // [LIM-9]
      }
      case PacketType.auth: {
        if (!client.isVersion5) return authNotVersion5
        const packet = core.codec.decodeAuth(buffer, at, end)
        if (packet instanceof Fault) return packet
        return userPropertiesFault(core, packet.properties) ?? receiveAuth(core, client, packet)
      }
      case PacketType.connect:
        return secondConnect // [MQTT-3.1.0-2]
      case 0:
        return unknownPacket
      default:
        return serverOnlyPacket
    }
  }

  #answerPing(): void {
    const { count } = this.#core
    this.#client.connection.outbox.append(pingrespBytes, 0, 2) // [MQTT-3.12.4-1]
    count[Counter.packetsOut + 13] = (count[Counter.packetsOut + 13] as number) + 1
    count[Counter.bytesOut] = (count[Counter.bytesOut] as number) + 2
  }

  /** All of the chunk has come, and the rest of it counts for nothing. */
  #end(fault: Fault, start: number, end: number): number {
    const { count } = this.#core
    count[Counter.bytesIn] = (count[Counter.bytesIn] as number) + end - start
    this.#fault(fault)
    return end
  }

  #fault(fault: Fault): void {
    const client = this.#client
    if (client.state === ClientState.connected) {
      const cause = isOurs(fault) ? "server" : "protocol-error"
      closeClient(this.#core, client, cause, fault.reasonCode, fault.why)
    } else refuseConnect(this.#core, client, fault.reasonCode, fault.why)
  }
}
