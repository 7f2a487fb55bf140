/**
 * A broker under test, as a scenario knows it: a way to connect, the drop ledger, the end. Nothing says whether
 * it runs in this process, behind a socket or on another machine.
 */
import type { Core } from "../../src/broker/core.ts"
import { dropReasons } from "../../src/metrics/drop-reasons.ts"
import { type ConnectFields, RawClient, type Version } from "./raw-client.ts"
import type { Wire } from "./wire.ts"

export class TestBroker {
  readonly open: () => Promise<Wire>
  readonly stop: () => Promise<void>
  readonly #core: Core | undefined

  constructor(open: () => Promise<Wire>, stop: () => Promise<void>, core?: Core) {
    this.open = open
    this.stop = stop
    this.#core = core
  }

  /** A connection on which nothing was sent. */
  async dial(version: Version = 5): Promise<RawClient> {
    return RawClient.over(await this.open(), version)
  }

  /** A client whose CONNECT was accepted. */
  async join(
    clientId: string,
    { version = 5, ...fields }: ConnectFields & { readonly version?: Version } = {}
  ): Promise<RawClient> {
    const client = await this.dial(version)
    const { reasonCode, returnCode } = await client.connect(clientId, fields)
    const code = reasonCode ?? returnCode
    if (code !== 0) throw new Error(`CONNECT was refused with ${code}`)
    return client
  }

  /** The drop ledger: how many messages were not delivered, by reason. Only of a broker in this process. */
  get drops(): Readonly<Record<string, number>> {
    const { totals } = this.core.ledger
    const seen = dropReasons.filter(({ id }) => totals[id] !== 0)
    return Object.fromEntries(seen.map(({ id, name }) => [name, totals[id] ?? 0]))
  }

  get core(): Core {
    if (this.#core === undefined) throw new Error("this broker runs elsewhere: its inside cannot be seen")
    return this.#core
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
