/**
 * Reading accepted sockets into one buffer of the process: this node can do it (else the broker is slow and nobody notices),
 * several clients that take turns lose and mix up nothing, and where it cannot be done it is refused before anything is
 * touched.
 */
import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { IN_FRONT_BYTES } from "../../src/listener/lent-memory.ts"
import { readShared, sharedMemory } from "../../src/listener/shared-read.ts"

/** Clients with the sockets that a server has accepted of them, in one order. */
async function withSockets(count: number, body: (accepted: Array<Socket>, clients: Array<Socket>) => Promise<void>) {
  const accepted: Array<Socket> = []
  const clients: Array<Socket> = []
  const onAccepted: Array<(socket: Socket) => void> = []
  const server = createServer((socket) => {
    socket.on("error", () => undefined)
    accepted.push(socket)
    onAccepted.shift()?.(socket)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  try {
    for (let index = 0; index < count; index++) {
      const arrived = new Promise<Socket>((resolve) => onAccepted.push(resolve))
      clients.push(connect((server.address() as AddressInfo).port, "127.0.0.1"))
      await arrived
    }
    await body(accepted, clients)
  } finally {
    for (const socket of [...accepted, ...clients]) socket.destroy()
    server.close()
  }
}

const collect = (socket: Socket, into: Array<Buffer>) =>
  readShared(socket, (bytes) => {
    into.push(Buffer.from(sharedMemory.subarray(IN_FRONT_BYTES, IN_FRONT_BYTES + bytes)))
    sharedMemory.fill(0)
  })

describe("shared reads", () => {
  it("this node has them, and clients that take turns get what they sent, to its end", () =>
    withSockets(3, async (accepted, clients) => {
      const received = accepted.map((): Array<Buffer> => [])
      accepted.forEach((socket, index) => {
        assert.isTrue(collect(socket, received[index] as Array<Buffer>))
      })
      const sent = clients.map((_, index) => Buffer.alloc(300_000 + index, index + 1))
      for (const [index, client] of clients.entries()) client.end(sent[index] as Buffer)
      await Promise.all(accepted.map((socket) => once(socket, "close")))
      received.forEach((chunks, index) => {
        assert.isTrue(Buffer.concat(chunks).equals(sent[index] as Buffer))
      })
    }))

  it("a socket that is paused leaves its bytes with the kernel until it is resumed", () =>
    withSockets(1, async ([socket], [client]) => {
      const received: Array<Buffer> = []
      assert.isTrue(collect(socket as Socket, received))
      socket?.pause()
      client?.end("late")
      await once(client as Socket, "finish")
      assert.strictEqual(received.length, 0)
      socket?.resume()
      await once(socket as Socket, "close")
      assert.strictEqual(Buffer.concat(received).toString(), "late")
    }))

  it("is refused for a socket that has been read from, that has an own buffer, that flows, or that is gone", () =>
    withSockets(4, async ([read, owned, flowing, gone], clients) => {
      const nothing = () => undefined
      read?.unshift(Buffer.from("put back"))
      assert.isFalse(readShared(read as Socket, nothing))
      assert.isTrue(readShared(owned as Socket, nothing))
      assert.isFalse(readShared(owned as Socket, nothing))
      const chunks: Array<string> = []
      flowing?.on("data", (chunk) => chunks.push(String(chunk)))
      assert.isFalse(readShared(flowing as Socket, nothing))
      clients[2]?.end("as before")
      await once(flowing as Socket, "close")
      assert.strictEqual(chunks.join(""), "as before")
      gone?.destroy()
      assert.isFalse(readShared(gone as Socket, nothing))
    }))

  it("is refused where the handle or the socket look different", () =>
    withSockets(2, async ([bare, renamed]) => {
      const nothing = () => undefined
      Object.defineProperty((bare as unknown as { _handle: object })._handle, "useUserBuffer", { value: undefined })
      assert.isFalse(readShared(bare as Socket, nothing))
      const own = Object.getOwnPropertySymbols(renamed).find(({ description }) => description === "kBufferCb") as symbol
      Reflect.deleteProperty(renamed as Socket, own)
      assert.isFalse(readShared(renamed as Socket, nothing))
    }))
})
