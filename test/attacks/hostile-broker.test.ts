/**
 * Goal: our own client commands survive any broker (docs: security, row 38; CVE-2024-10525 was a SUBACK without codes).
 * Method: servers that answer CONNECT, SUBSCRIBE and PUBLISH with what no broker should say; pub, sub and ping must end
 * with an exit code of theirs and a message, never with a stack, and never hang.
 */
import { type AddressInfo, createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { run } from "../cli/recorded-world.ts"
import { Random } from "../fault/random.ts"

const CONNACK = Buffer.from([0x20, 3, 0, 0, 0])
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex")

/** Instead of CONNACK. */
const instead: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  "a CONNACK that is cut off": hex("20 01 00"),
  "a CONNACK with a code nobody knows": hex("20 03 00 fe 00"),
  "a length of 256 MB": hex("20 ff ff ff 7f"),
  "a length of five bytes": hex("20 ff ff ff ff ff 01"),
  "packet type 0": hex("00 00"),
  "a CONNECT": hex("10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00"),
  HTTP: Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "properties beyond the packet": hex("20 05 00 00 7f 21 00")
}
/** Behind CONNACK, as answer to whatever comes next. */
const behind: Readonly<Record<string, Buffer>> = {
  "SUBACK without codes": hex("90 03 00 01 00"),
  "SUBACK without anything": hex("90 00"),
  "SUBACK for somebody else": hex("90 04 ff ff 00 00"),
  "SUBACK with too many codes": hex("90 08 00 01 00 00 01 02 03 7f"),
  "UNSUBACK, PUBACK and PUBCOMP of nothing": hex("b0 04 00 01 00 00 40 02 00 09 70 02 00 09"),
  "PUBACK cut off": hex("40 01 00"),
  "PUBLISH at QoS 3": hex("36 06 00 01 74 00 01 00"),
  "PUBLISH to a wildcard": hex("30 05 00 01 23 00 78"),
  "PUBLISH with an alias nobody set": hex("30 06 00 00 03 23 00 09"),
  "PUBLISH of ill-formed UTF-8": hex("30 06 00 02 ff c0 00 78"),
  "PUBLISH whose topic is longer than it": hex("30 04 ff ff 74 00"),
  "DISCONNECT with a code nobody knows": hex("e0 02 fe 00"),
  "a second CONNACK": CONNACK,
  "bytes at random": Buffer.from(
    Array.from(
      { length: 4000 },
      (
        (random) => () =>
          random.below(256)
      )(new Random(38))
    )
  ),
  AUTH: hex("f0 02 18 00"),
  "SUBSCRIBE from a server": hex("82 07 00 01 00 00 01 74 00")
}
const CODES_OF_OURS = [0, 1, 4, 5, 27]

/** Answers packet by packet; the last answer is followed by the end, so that nobody waits for more. */
const hostile = async <A>(answers: ReadonlyArray<Buffer>, use: (port: string) => Promise<A>): Promise<A> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let packets = 0
    sockets.add(socket)
    socket.on("error", () => undefined)
    socket.on("data", () => {
      const answer = answers[packets++]
      if (answer !== undefined && packets < answers.length) socket.write(answer)
      else if (answer === undefined) socket.end()
      else socket.end(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  try {
    return await use(String((server.address() as AddressInfo).port))
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const commands = (port: string): ReadonlyArray<ReadonlyArray<string>> => [
  ["pub", "-h", "127.0.0.1", "-p", port, "-t", "t", "-m", "x", "-q", "1"],
  ["sub", "-h", "127.0.0.1", "-p", port, "-t", "t", "-C", "1", "-W", "1"],
  ["ping", "-h", "127.0.0.1", "-p", port, "--count", "1"]
]

const survives = (what: string, answers: ReadonlyArray<Buffer>): Promise<void> =>
  hostile(answers, async (port) => {
    const ended = await Promise.all(commands(port).map((words) => run(words)))
    for (const { code, err } of ended) {
      assert.include(CODES_OF_OURS, code, `${what}: ${err}`)
      assert.notMatch(err, /\n\s+at |TypeError|RangeError/, what)
    }
  })

describe("a hostile broker", () => {
  it("row 38: in place of CONNACK", async () => {
    await Promise.all(Object.entries(instead).map(([what, bytes]) => survives(what, [bytes])))
  })

  it("row 38: behind CONNACK, as answer to SUBSCRIBE, PUBLISH and PINGREQ", async () => {
    await Promise.all(Object.entries(behind).map(([what, bytes]) => survives(what, [CONNACK, bytes])))
  })
})
