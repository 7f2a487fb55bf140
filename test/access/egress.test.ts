/**
 * Where questions may go: hosts and networks that are allowed, link-local ones that are not (security.md, row 40), names
 * that lead to another place, plain text beyond loopback.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Egress, egressFault } from "../../src/access/egress.ts"
import { json, LoopbackServer } from "./loopback-server.ts"

const fault = (url: string, allowed: ReadonlyArray<string> = [], mayBePlain = false) =>
  egressFault({ url, allowed, mayBePlain })

describe("an address as it is written", () => {
  it("https anywhere but to link-local, multicast and nowhere; http to loopback", () => {
    for (const url of [
      "https://a.example/x",
      "https://10.0.0.1",
      "http://127.0.0.1:1",
      "http://[::1]/",
      "http://localhost"
    ]) {
      assert.isUndefined(fault(url), url)
    }
    const closed = [
      "169.254.169.254",
      "[fe80::1]",
      "0.0.0.0",
      "[::]",
      "224.0.0.1",
      "[fd00:ec2::254]",
      "[::ffff:169.254.169.254]"
    ]
    for (const host of closed) assert.isDefined(fault(`https://${host}/`), host)
    for (const url of ["http://a.example", "http://10.0.0.1", "ftp://127.0.0.1", "file:///etc/passwd"]) {
      assert.isDefined(fault(url), url)
    }
    assert.isUndefined(fault("http://10.0.0.1", [], true))
  })

  it("other spellings of a closed address are closed too", () => {
    for (const host of ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"]) {
      assert.isDefined(fault(`https://${host}/`), host)
    }
  })

  it("with a list only its hosts and networks", () => {
    assert.isUndefined(fault("https://a.b.example/", ["*.example"]))
    assert.isUndefined(fault("https://a.example:8443/", ["a.example:8443"]))
    for (const url of ["https://example/", "https://a.example.evil/", "https://evilexample/"]) {
      assert.isDefined(fault(url, ["*.example"]), url)
    }
    assert.isDefined(fault("https://a.example/", ["a.example:8443"]))
    assert.isUndefined(fault("https://10.1.2.3/", ["10.1.0.0/16"]))
    assert.isDefined(fault("https://10.2.2.3/", ["10.1.0.0/16"]))
    assert.isUndefined(fault("https://169.254.1.1/", ["169.254.1.1"]), "who writes it means it")
  })
})

describe("a name", () => {
  it("is judged by where it leads, at each connection", async () => {
    await using server = await LoopbackServer.start(json({}))
    const ask = (allowed: ReadonlyArray<string>) => {
      const url = `http://localhost:${server.port}/`
      const egress = new Egress({ url, allowed, mayBePlain: true, connectionsMax: 1, responseBytesMax: 100 })
      const asked = Effect.match(egress.get(), {
        onSuccess: ({ status }) => String(status),
        onFailure: ({ why }) => why
      })
      return Effect.runPromise(
        Effect.ensuring(
          asked,
          Effect.sync(() => egress.close())
        )
      )
    }
    assert.strictEqual(await ask([]), "200")
    assert.strictEqual(await ask(["127.0.0.0/8", "::1"]), "200")
    assert.include(await ask(["10.0.0.0/8"]), "none of the allowed networks")
    assert.lengthOf(server.asked, 2)
  })
})
