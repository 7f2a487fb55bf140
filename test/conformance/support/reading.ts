/**
 * A cursor over one packet of the server. What the standard forbids in encodings (1.5) is a Breach: the test that
 * reads it fails, whatever it is about.
 */
export class Breach extends Error {
  override readonly name = "Breach"
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

export class Reading {
  readonly bytes: Buffer
  readonly end: number
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
    this.end = bytes.length
  }

  get left(): number {
    return this.end - this.at
  }

  byte(what: string): number {
    this.#need(1, what)
    return this.bytes[this.at++] as number
  }

  two(what: string): number {
    this.#need(2, what)
    this.at += 2
    return this.bytes.readUInt16BE(this.at - 2)
  }

  four(what: string): number {
    this.#need(4, what)
    this.at += 4
    return this.bytes.readUInt32BE(this.at - 4)
  }

  /** Variable Byte Integer in its shortest form [MQTT-1.5.5-1]. */
  variable(what: string): number {
    let value = 0
    for (let index = 0; index < 4; index++) {
      const byte = this.byte(what)
      value += (byte & 127) * 128 ** index
      if (byte >= 128) continue
      if (byte === 0 && index > 0) throw new Breach(`${what} is not in its shortest form`)
      return value
    }
    throw new Breach(`${what} has more than four bytes`)
  }

  /** Well-formed UTF-8 without U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]. */
  text(what: string): string {
    const bytes = this.binary(what)
    if (bytes.includes(0)) throw new Breach(`${what} holds U+0000`)
    try {
      return utf8.decode(bytes)
    } catch {
      throw new Breach(`${what} is not well-formed UTF-8`)
    }
  }

  binary(what: string): Buffer {
    return this.take(this.two(what), what)
  }

  take(count: number, what: string): Buffer {
    this.#need(count, what)
    this.at += count
    return Buffer.from(this.bytes.subarray(this.at - count, this.at))
  }

  #need(count: number, what: string): void {
    if (this.left < count) throw new Breach(`the packet ends within ${what}`)
  }
}
