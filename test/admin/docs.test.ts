/** /openapi.json and /docs: the declaration for readers, without a network and within its own policy of contents. */
import { createHash } from "node:crypto"
import { gunzipSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { answerDocument } from "../../src/admin/docs.ts"

describe("the API for readers", () => {
  it("openapi.json has every path, with the role that it takes", async () => {
    const { body, headers } = await answerDocument("/openapi.json", "")
    assert.strictEqual(headers["content-type"], "application/json; charset=utf-8")
    const { openapi, paths } = JSON.parse(body.toString())
    assert.match(openapi, /^3\./)
    assert.strictEqual(paths["/api/v1/clients/{id}/kick"].post.description, "Takes role operator.")
    assert.strictEqual(paths["/api/v1/login"].post.description, "Takes anybody.")
    for (const [path, operations] of Object.entries(paths as Record<string, Record<string, { description: string }>>)) {
      for (const { description } of Object.values(operations)) assert.match(description, /^Takes /, path)
    }
    const zipped = await answerDocument("/openapi.json", "gzip")
    assert.deepEqual(gunzipSync(zipped.body), body)
  })

  it("the page's scripts are in its policy by their hashes, and it names no other place to load from", async () => {
    const { body, headers } = await answerDocument("/docs", "")
    const html = body.toString()
    const policy = headers["content-security-policy"] ?? ""
    const scripts = [...html.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)]
    assert.isAtLeast(scripts.length, 2)
    for (const [, script = ""] of scripts) {
      assert.include(policy, createHash("sha256").update(script).digest("base64"))
    }
    assert.match(policy, /^default-src 'self'; script-src ('sha256-[\w+/=]+' ?)+;/)
    assert.notMatch(html, /<(script|link|img)[^>]+(src|href)="https?:/)
    assert.include(html, "Takes role operator.")
  })
})
