/**
 * What every provider of authentication keeps, whatever it asks: `providerContract(name, start)` adds the tests.
 *
 * A subject brings its own good and bad clients: what proves alice is a password here and a certificate there.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { ConnectRequest } from "../../src/access/access.ts"
import { openHashWorkers } from "../../src/access/hash-workers.ts"
import type { Provider, ProviderAnswer } from "../../src/access/provider.ts"
import { type MakeProvider, type ProviderContext, ProviderRefused } from "../../src/access/providers.ts"
import { ConfigInvalid } from "../../src/config/config-invalid.ts"
import { checkText } from "../../src/config/load.ts"
import type { SettingsInput } from "../../src/settings/settings-input.ts"
import { Log } from "../../src/telemetry/logging.ts"

/** A request that shows nothing at all. */
export const request = (fields: Partial<ConnectRequest> = {}): ConnectRequest => ({
  clientIdentifier: "client-1",
  username: undefined,
  password: undefined,
  peer: "127.0.0.1:50000",
  listener: "tcp",
  ...fields
})

export const withPassword = (username: string, password: string): ConnectRequest =>
  request({ username, password: Buffer.from(password) })

export interface ProviderSubject {
  readonly make: MakeProvider
  readonly settings: SettingsInput
  readonly context?: Partial<ProviderContext>
  /** Proves alice, and who she is then. */
  readonly good: ConnectRequest
  readonly username: string | undefined
  /** Somebody who claims to be alice and shows something wrong; the answer's kind. Undefined: cannot be claimed. */
  readonly bad: ConnectRequest | undefined
  readonly badKind?: "denied" | "unknown"
  /** It is not this provider's business: no such user, no token, no certificate. */
  readonly foreign: ConnectRequest
  /** Whatever of the request and the settings must be in no answer and no log line. */
  readonly secrets: ReadonlyArray<string>
  /** Makes the provider's source unusable (server gone, file broken); undefined = it has none. */
  readonly breakSource?: () => void | Promise<void>
  /** Settings with which the provider must refuse to be made; undefined = the plan refuses before it is asked. */
  readonly unusable: SettingsInput | undefined
}

export const providerContract = (name: string, start: () => Promise<ProviderSubject> | ProviderSubject): void => {
  describe(`the contract of a provider: ${name}`, () => {
    let subject: ProviderSubject
    let opened: OpenedProvider
    beforeAll(async () => {
      subject = await start()
      opened = await openProvider(subject.make, subject.settings, subject.context)
    })
    afterAll(() => opened?.close())

    it("vouches for who proves it, and says who it is", async () => {
      const answer = await opened.ask(subject.good)
      assert.strictEqual(answer.kind, "allowed", JSON.stringify(answer))
      if (answer.kind !== "allowed") return
      assert.strictEqual(answer.identity.username, subject.username)
      assert.strictEqual(answer.identity.provider, name)
      assert.isAbove(answer.identity.clientIdentifier.length, 0)
    })

    it("knows nothing of who shows nothing", async () => {
      assert.strictEqual((await opened.ask(request())).kind, "unknown")
      assert.strictEqual((await opened.ask(subject.foreign)).kind, "unknown")
    })

    it("does not vouch for who shows something wrong", async () => {
      if (subject.bad === undefined) return
      assert.strictEqual((await opened.ask(subject.bad)).kind, subject.badKind ?? "denied")
    })

    it("never vouches for a user name without a proof", async () => {
      for (const password of [undefined, Buffer.alloc(0)]) {
        const bare = { ...subject.good, password, certificate: undefined, pskIdentity: undefined }
        assert.notStrictEqual(await opened.kindOf(bare), "allowed")
      }
    })

    it("names that mean something to others are names like all others", async () => {
      const hostile = [
        "*",
        "#",
        "a/b",
        "../x",
        "alice\0",
        "a)(uid=*",
        "%00",
        "$\u007Busername}",
        "'; --",
        "\r\nx: y",
        "é".repeat(300)
      ]
      for (const username of hostile) {
        assert.notStrictEqual(await opened.kindOf(withPassword(username, "wrong-password")), "allowed", username)
      }
    })

    it("no answer and no log line has a secret", async () => {
      const answers = [await opened.ask(subject.good), await opened.ask(subject.bad ?? subject.foreign)]
      const told = JSON.stringify(answers) + opened.lines.join("\n")
      for (const secret of subject.secrets) assert.notInclude(told, secret)
    })

    it("ten at once are answered each for itself", async () => {
      const asked = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? subject.good : subject.foreign))
      const kinds = await Promise.all(asked.map((each) => opened.kindOf(each)))
      assert.deepEqual(
        kinds,
        asked.map((each) => (each === subject.good ? "allowed" : "unknown"))
      )
    })

    it("settings it cannot work with keep it from being made, with a code and a way out", async () => {
      if (subject.unusable === undefined) return
      const refused = await openProvider(subject.make, subject.unusable, subject.context).then(
        (wrong) => wrong.close().then(() => undefined),
        (cause: unknown) => cause
      )
      // What the settings alone tell is told before anything is made.
      assert.isTrue(refused instanceof ProviderRefused || refused instanceof ConfigInvalid, String(refused))
      const { problems } = refused as ProviderRefused | ConfigInvalid
      assert.isNotEmpty(problems)
      for (const { code, fact, fix } of problems) {
        assert.match(code, /^E3\d{3}$/)
        assert.isAbove(fact.length, 0)
        assert.isAbove(fix.length, 0)
      }
    })

    it("a source that is gone opens nothing", async () => {
      if (subject.breakSource === undefined) return
      await subject.breakSource()
      if (opened.provider.reload !== undefined) await Effect.runPromise(Effect.ignore(opened.provider.reload))
      assert.notStrictEqual(await opened.kindOf(subject.bad ?? subject.foreign), "allowed")
    })
  })
}

export class OpenedProvider {
  readonly provider: Provider
  /** What it told the log. */
  readonly lines: ReadonlyArray<string>
  /** How often it said that earlier answers may be wrong now. */
  readonly changes: () => number
  readonly close: () => Promise<void>

  constructor(provider: Provider, lines: ReadonlyArray<string>, changes: () => number, close: () => Promise<void>) {
    this.provider = provider
    this.lines = lines
    this.changes = changes
    this.close = close
  }

  ask(asked: ConnectRequest): Promise<ProviderAnswer> {
    return Effect.runPromise(this.provider.authenticate(asked))
  }

  /** The answer's kind; "failed" where it could not find out. */
  async kindOf(asked: ConnectRequest): Promise<string> {
    const exit = await Effect.runPromiseExit(this.provider.authenticate(asked))
    if (Exit.isSuccess(exit)) return exit.value.kind
    assert.isFalse(Cause.hasDies(exit.cause), `it died: ${Cause.pretty(exit.cause)}`)
    return "failed"
  }
}

/** A provider as the chain makes it. Rejects with what it refuses. */
export const openProvider = async (
  make: MakeProvider,
  input: SettingsInput,
  parts: Partial<ProviderContext> = {}
): Promise<OpenedProvider> => {
  const scope = Scope.makeUnsafe()
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  const lines: Array<string> = []
  let changes = 0
  const write = (text: string) => void lines.push(text)
  const log = new Log({ format: "text", level: "trace", colour: false, write, wallClockMs: Date.now })
  const surroundings = { environment: {}, workingDirectory: "/", homeDirectory: "/" }
  const made = Effect.gen(function* () {
    const { settings } = yield* checkText(JSON.stringify(input), "settings", surroundings)
    return yield* make({
      settings,
      log,
      wallClockMs: Date.now,
      changed: () => void changes++,
      background: (_name, loop) => Effect.forkScoped(Effect.ignore(loop)),
      hashes: yield* openHashWorkers({ threads: 2, queueMax: 100 }),
      users: undefined,
      ...parts
    })
  })
  const exit = await Effect.runPromiseExit(Effect.provideService(made, Scope.Scope, scope))
  if (Exit.isSuccess(exit)) return new OpenedProvider(exit.value, lines, () => changes, close)
  await close()
  throw Cause.squash(exit.cause)
}
