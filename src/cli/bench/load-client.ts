/**
 * What publishers and subscribers of a load run have in common: CONNECT, CONNACK, pings, the end of the connection.
 *
 * `ready` resolves when the client may work (CONNACK, and SUBACK for a subscriber), or with the failure. Afterwards a
 * connection that ends before the run does counts in the tally.
 */
import type { Duplex } from "node:stream"
import { PacketType } from "../../codec/codec.ts"
import { bodyStart } from "../../codec/frame.ts"
import { type ConnectFailure, failureOf } from "../client/connect.ts"
import type { ConnectionSettings } from "../client/connection-settings.ts"
import { LoadWire, type WirePeer } from "./load-wire.ts"
import type { Tally } from "./tally.ts"

const pingRequest = Buffer.from([0xc0, 0])
const disconnect = Buffer.from([0xe0, 0])
const connectLimitMs = 10_000

export abstract class LoadClient implements WirePeer {
  protected readonly wire: LoadWire
  protected readonly tally: Tally
  protected readonly isVersion5: boolean
  readonly ready: Promise<ConnectFailure | undefined>
  readonly #settings: ConnectionSettings
  readonly #answer: (failure: ConnectFailure | undefined) => void
  readonly #timer: NodeJS.Timeout
  #isReady = false
  #isLeaving = false

  constructor(stream: Duplex, connect: Buffer, settings: ConnectionSettings, tally: Tally) {
    const { promise, resolve } = Promise.withResolvers<ConnectFailure | undefined>()
    this.ready = promise
    this.#answer = resolve
    this.#settings = settings
    this.tally = tally
    this.isVersion5 = settings.protocolVersion === 5
    this.wire = new LoadWire(stream, this)
    this.#timer = setTimeout(() => stream.destroy(new Error("connack timeout")), connectLimitMs)
    this.wire.send(connect)
  }

  get wireBytes(): { readonly in: number; readonly out: number } {
    return { in: this.wire.bytesIn, out: this.wire.bytesOut }
  }

  ping(): void {
    if (!this.wire.isClosed) this.wire.send(pingRequest)
  }

  /** DISCONNECT, then the end of the stream. */
  leave(): void {
    this.#isLeaving = true
    if (this.wire.isClosed) return
    this.wire.send(disconnect)
    this.wire.end()
  }

  cut(): void {
    this.wire.destroy()
  }

  get isClosed(): boolean {
    return this.wire.isClosed
  }

  onPacket(buffer: Buffer, start: number, end: number): void {
    const type = (buffer[start] as number) >> 4
    if (type === PacketType.connack) this.#onConnack(buffer, start, end)
    else this.onOther(type, buffer, start, end)
  }

  onClosed(error: Error | undefined): void {
    clearTimeout(this.#timer)
    if (!this.#isReady) this.#answer(failureOf(this.#settings, error))
    else if (!this.#isLeaving) this.tally.lostConnections++
  }

  abstract onChunkEnd(): void
  abstract onDrained(): void
  /** CONNACK said yes. */
  protected abstract onConnected(connack: Buffer): void
  protected abstract onOther(type: number, buffer: Buffer, start: number, end: number): void

  protected becomeReady(failure?: ConnectFailure): void {
    this.#isReady = failure === undefined
    this.#answer(failure)
  }

  #onConnack(buffer: Buffer, start: number, end: number): void {
    clearTimeout(this.#timer)
    const code = buffer[bodyStart(buffer, start) + 1] as number
    if (code === 0) this.onConnected(buffer.subarray(start, end))
    else this.becomeReady(failureOf(this.#settings, Object.assign(new Error("refused"), { code })))
  }
}
