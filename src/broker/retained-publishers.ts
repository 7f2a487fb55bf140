/**
 * Who published what is retained. A retained message knows its publisher by the number of the session, as the log's record
 * does (wal/record.ts); here are the names to these numbers. Numbers of what the log still holds are not given again
 * [RST-3], so a name found for one is the right one; a number that is free again gets the name of whoever has it next.
 *
 * Bounded: `namesMax` names, the one that came first goes first. A name is kept once per session, not per message.
 *
 * Plain; keep-publishers.ts keeps them over a restart.
 */

export interface PublisherName {
  readonly clientIdentifier: string
  readonly username: string | undefined
}

export class RetainedPublishers {
  readonly #namesMax: () => number
  readonly #names = new Map<number, PublisherName>()
  /** Those that are new since they were taken. */
  #fresh: Array<number> = []

  constructor(namesMax: () => number) {
    this.#namesMax = namesMax
  }

  get size(): number {
    return this.#names.size
  }

  /** The session publishes a retained message. Called for each one: once it is known this is one look. */
  note(number: number, clientIdentifier: string, username: string | undefined): void {
    const known = this.#names.get(number)
    if (known !== undefined && known.clientIdentifier === clientIdentifier && known.username === username) return
    if (this.#namesMax() === 0) return
    this.#set(number, { clientIdentifier, username })
    this.#fresh.push(number)
  }

  /** From before the start: what came since counts. */
  restore(number: number, name: PublisherName): void {
    if (!this.#names.has(number)) this.#set(number, name)
  }

  nameOf(number: number): PublisherName | undefined {
    return this.#names.get(number)
  }

  entries(): IterableIterator<[number, PublisherName]> {
    return this.#names.entries()
  }

  /** Whoever keeps them elsewhere too takes those that are new. */
  takeFresh(): ReadonlyArray<readonly [number, PublisherName]> {
    const fresh = this.#fresh
    if (fresh.length === 0) return []
    this.#fresh = []
    return fresh.flatMap((number) => {
      const name = this.#names.get(number)
      return name === undefined ? [] : [[number, name] as const]
    })
  }

  #set(number: number, name: PublisherName): void {
    this.#names.delete(number)
    this.#names.set(number, name)
    while (this.#names.size > this.#namesMax()) {
      const [first] = this.#names.keys()
      if (first === undefined) return
      this.#names.delete(first) // [RET-2]
    }
    // Nobody may take them: with the memory engine there is no file.
    if (this.#fresh.length > this.#namesMax()) this.#fresh = this.#fresh.slice(-this.#namesMax())
  }
}
