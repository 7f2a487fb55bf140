/**
 * Why a client command stops before it is done: a signal, a DISCONNECT from the broker, a lost connection.
 * One promise that the commands race against their work.
 *
 * A command that reconnects (`sub`) is not ended by a lost connection, nor by a broker that shuts down or
 * is busy; it is ended by a DISCONNECT that would only repeat itself: another client has our identifier, an
 * operator sent us away.
 */
import type { IDisconnectPacket, MqttClient } from "mqtt"
import { PacketType } from "../../codec/codec.ts"
import { ReasonCode } from "../../codec/reason-codes.ts"
import { type ExitCode, exitCodes } from "../exit-codes.ts"
import type { Complaint, World } from "../world.ts"
import { errorCodeOf, exitCodeOfReason, reasonText } from "./reason-text.ts"

export interface Ending {
  readonly exitCode: ExitCode
  /** What to tell the user; a signal needs no words. */
  readonly complaint: Complaint | undefined
}

const worthComingBack: ReadonlyArray<number> = [
  ReasonCode.serverShuttingDown,
  ReasonCode.serverBusy,
  ReasonCode.keepAliveTimeout,
  ReasonCode.unspecifiedError
]

export class EndingWatch {
  /** Set as soon as the command has to stop. */
  ending: Ending | undefined
  readonly #client: MqttClient
  readonly #isReconnecting: boolean
  readonly #releaseSignals: () => void
  #farewell: IDisconnectPacket | undefined
  #wake: (() => void) | undefined

  constructor(client: MqttClient, world: World, isReconnecting: boolean) {
    this.#client = client
    this.#isReconnecting = isReconnecting
    client.on("disconnect", this.#onDisconnect)
    client.on("close", this.#onClose)
    this.#releaseSignals = world.onStopSignal((signal) => {
      this.#end({ exitCode: signal === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated, complaint: undefined })
    })
  }

  /**
   * What `work` resolves to, or undefined when the end comes first (then `ending` is set). One at a time:
   * a race against one long-lived promise would keep a reaction for every message of a series.
   */
  orEnd<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.ending !== undefined) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#wake = () => resolve(undefined)
      work.then(resolve, reject)
    })
  }

  /** Waits for the end itself. */
  async end(): Promise<Ending> {
    await this.orEnd(new Promise(() => {}))
    return this.ending as Ending
  }

  release(): void {
    this.#client.off("disconnect", this.#onDisconnect)
    this.#client.off("close", this.#onClose)
    this.#releaseSignals()
  }

  readonly #onDisconnect = (packet: IDisconnectPacket): void => {
    this.#farewell = packet
  }

  /** The broker has said why, and coming back would end the same way. */
  get isSentAway(): boolean {
    const code = this.#farewell?.reasonCode
    return code !== undefined && !worthComingBack.includes(code)
  }

  readonly #onClose = (): void => {
    if (this.#isReconnecting && !this.isSentAway) this.#farewell = undefined
    else this.#end(endingOf(this.#farewell))
  }

  #end(ending: Ending): void {
    this.ending ??= ending
    this.#wake?.()
  }
}

function endingOf(farewell: IDisconnectPacket | undefined): Ending {
  const code = farewell?.reasonCode
  if (code === undefined) {
    const complaint = {
      code: "E4001",
      fact: "the connection to the broker was lost",
      fix: "run it again; the broker's log may say why"
    }
    return { exitCode: exitCodes.unreachable, complaint }
  }
  const exitCode = exitCodeOfReason(code)
  const more = farewell?.properties?.reasonString
  const fact = `the broker ended the connection: ${reasonText(code, PacketType.disconnect)}${more === undefined ? "" : ` (${more})`}`
  return {
    exitCode,
    complaint: { code: errorCodeOf(exitCode), fact, fix: fixes[code] ?? "the broker's log may say more" }
  }
}

const fixes: Readonly<Record<number, string>> = {
  [ReasonCode.sessionTakenOver]: "another client has this client identifier: give each its own (-i)",
  [ReasonCode.packetTooLarge]: "send less in one message, or raise the broker's mqtt.max-packet-size"
}
