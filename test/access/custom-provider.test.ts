/** A module of the operator's own: loaded from a file or passed by the program, asked with a limit, and failing closed. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { makeProvider } from "../../src/access/custom-provider.ts"
import type { CreateProvider, CustomAnswer } from "../../src/access/custom-types.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { openProvider, providerContract, withPassword } from "../contract/provider.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-custom-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const module = (name: string, content: string): string => {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}
const settingsOf = (more: NonNullable<NonNullable<SettingsInput["auth"]>["custom"]> = {}): SettingsInput => ({
  auth: { chain: ["custom"], custom: more }
})

const whole = `
  export const createProvider = ({ log }) => {
    let isOpen = true
    return {
      authenticate: async ({ username, password }) => {
        if (!isOpen) throw new Error("closed")
        if (username !== "alice") return { result: "ignore" }
        log("info", "asked", { username })
        const isRight = Buffer.from(password ?? []).toString() === "secret-of-alice"
        return isRight ? { result: "allow", groups: ["a"] } : { result: "deny", why: "wrong", reasonCode: 0x86 }
      },
      close: () => { isOpen = false }
    }
  }`

providerContract("custom", () => ({
  make: makeProvider,
  settings: settingsOf({ module: module("whole.mjs", whole) }),
  good: withPassword("alice", "secret-of-alice"),
  username: "alice",
  bad: withPassword("alice", "wrong-secret"),
  foreign: withPassword("bob", "x"),
  secrets: ["secret-of-alice", "wrong-secret"],
  unusable: settingsOf({ module: join(folder, "none.mjs") })
}))

describe("a custom provider", () => {
  it("that cannot be loaded keeps the broker from starting", async () => {
    const open = module("open.mjs", whole)
    chmodSync(open, 0o666)
    const bad: ReadonlyArray<readonly [string, string]> = [
      ["", "E3545"],
      [open, "E3543"],
      [module("syntax.mjs", "export const = 1"), "E3546"],
      [module("nothing.mjs", "export const other = 1"), "E3546"],
      [module("throws.mjs", "export const createProvider = () => { throw new Error('no') }"), "E3546"],
      [module("rejects.mjs", "export const createProvider = async () => { throw new Error('no') }"), "E3546"],
      [module("empty.mjs", "export const createProvider = () => ({})"), "E3546"],
      [folder, "E3541"]
    ]
    for (const [file, code] of bad) {
      const made = await openProvider(makeProvider, settingsOf({ module: file })).then(
        () => "made",
        (cause: Error) => cause.message
      )
      assert.include(made, code, file)
    }
  })

  const kindOf = async (authenticate: () => unknown, more = {}): Promise<string> => {
    const custom: CreateProvider = () => ({ authenticate: authenticate as () => CustomAnswer })
    const opened = await openProvider(makeProvider, settingsOf(more), { custom })
    const kind = await opened.kindOf(withPassword("alice", "x"))
    await opened.close()
    return kind
  }

  it("passed by the program is asked instead of a module", async () => {
    assert.strictEqual(await kindOf(() => ({ result: "allow" })), "allowed")
    assert.strictEqual(await kindOf(async () => ({ result: "deny" })), "denied")
    assert.strictEqual(await kindOf(() => ({ result: "ignore" })), "unknown")
  })

  it("that throws, rejects, says something else or nothing lets nobody in", async () => {
    const answers: ReadonlyArray<() => unknown> = [
      () => {
        throw new Error("no")
      },
      () => Promise.reject(new Error("no")),
      () => undefined,
      () => true,
      () => ({ result: true }),
      () => ({ result: "allow", group: ["a"] }),
      () => ({ result: "allow", groups: "a" }),
      () => ({ result: "allow", username: "a\nb" }),
      () => ({ result: "allow", clientIdentifier: "" }),
      () => ({ result: "allow", acl: [{ permission: "deny" }] }),
      () => ({ result: "deny", reasonCode: 0 })
    ]
    for (const answer of answers) assert.strictEqual(await kindOf(answer), "failed", String(answer))
    assert.strictEqual(await kindOf(() => new Promise(() => undefined), { timeout: "20ms" }), "failed")
  })

  it("hears that nobody waits any more", async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const custom: CreateProvider = () => ({
      authenticate: (_request, signal) =>
        new Promise(() => signal.addEventListener("abort", () => resolve(), { once: true }))
    })
    const opened = await openProvider(makeProvider, settingsOf({ timeout: "20ms" }), { custom })
    assert.strictEqual(await opened.kindOf(withPassword("alice", "x")), "failed")
    await aborted
    await opened.close()
  })
})
