/**
 * Lines written in blocks: a log has millions of them.
 */
const blockLengthMax = 65_536

export class LineBlocks {
  readonly #write: (text: string) => void
  #text = ""

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  add(line: string): void {
    this.#text += `${line}\n`
    if (this.#text.length >= blockLengthMax) this.flush()
  }

  flush(): void {
    if (this.#text !== "") this.#write(this.#text)
    this.#text = ""
  }
}
