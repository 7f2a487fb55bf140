/**
 * Mutants of the chain of authentication and of everything with passwords: what lets somebody in, or tells a stranger
 * more than no.
 */
import type { Mutant } from "./mutant.ts"

const chain = ["test/access/chain.test.ts"]
const passwords = ["test/access/password-users.test.ts"]
const scram = ["test/access/scram.test.ts"]
const files = ["test/behaviour/authentication-passwords.test.ts"]

export const authenticationMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/access/chain.ts",
    find: "if (!fallThrough.has(provider.name)) return answer // [CHN-2]",
    replace: "// [CHN-2]",
    statement: "CHN-2",
    tests: chain
  },
  {
    file: "src/access/chain.ts",
    find: "if (request.username !== undefined || request.password !== undefined) return nobodyKnows // [CHN-3]",
    replace: "// [CHN-3]",
    statement: "CHN-3",
    tests: chain
  },
  {
    file: "src/access/chain.ts",
    find: ".pipe(Effect.catchCause((cause) => failed(cause, provider.name)))",
    replace: '.pipe(Effect.catchCause(() => Effect.succeed({ kind: "unknown" } as ProviderAnswer)))',
    statement: "CHN-1",
    tests: chain
  },
  {
    file: "src/access/result-cache.ts",
    find: "if (epoch !== this.#epoch || !hasProof(request) || !isLasting(answer)) return // [CCH-1]",
    replace: "if (!hasProof(request) || !isLasting(answer)) return // [CCH-1]",
    statement: "CCH-1",
    tests: chain
  },
  {
    file: "src/access/password-users.ts",
    find: "if (password === undefined) return Effect.succeed(user === undefined ? unknown : withoutPassword) // [PWD-1]",
    replace: "if (password === undefined) return Effect.succeed(unknown) // [PWD-1]",
    statement: "PWD-1",
    tests: passwords
  },
  {
    file: "src/access/password-users.ts",
    find: "const recipe = user === undefined ? decoy(users, username) : user.hash.recipe // [PWD-2]",
    replace: "if (user === undefined) return Effect.succeed(unknown)\n  const recipe = user.hash.recipe // [PWD-2]",
    statement: "PWD-2",
    tests: passwords
  },
  {
    file: "src/access/password-file-provider.ts",
    find: "if (isProblem(first)) return yield* new ProviderRefused({ provider: PROVIDER, problems: [first] }) // [PWD-3]",
    replace:
      'if (isProblem(first)) return { name: PROVIDER, authenticate: () => Effect.succeed({ kind: "unknown" as const }) } // [PWD-3]',
    statement: "PWD-3",
    tests: files
  },
  {
    file: "src/access/password-file-provider.ts",
    find: "current = read\n",
    replace: "",
    statement: "PWD-4",
    tests: files
  },
  {
    file: "src/access/hash-workers.ts",
    find: 'else fail(job, "busy", "auth.hash-queue is full") // [HSH-1]',
    replace: "else this.#queue.add(job) // [HSH-1]",
    statement: "HSH-1",
    tests: ["test/access/hash-workers.test.ts"]
  },
  {
    file: "src/access/scram.ts",
    find: "const keys = user?.keys ?? nobody(options.key, first.username) // [SCR-1]",
    replace: 'if (user === undefined) return refused("no such user")\n    const keys = user.keys // [SCR-1]',
    statement: "SCR-1",
    tests: scram
  },
  {
    file: "src/access/scram.ts",
    find: 'if (repeated !== nonce) return refused("the nonce is another one") // [SCR-2]',
    replace: "// [SCR-2]",
    statement: "SCR-2",
    tests: scram
  },
  {
    file: "src/broker/identity-expiry.ts",
    find: 'else closeClient(core, client, "server", ReasonCode.notAuthorized, "the credentials have expired") // [EXP-1]',
    replace: "// [EXP-1]",
    statement: "EXP-1",
    tests: ["test/behaviour/authentication-expiry.test.ts"]
  },
  {
    file: "src/access/user-admin.ts",
    find: "    await database.put(stored)\n    changed(user.username) // [USR-1]",
    replace: "    await database.put(stored) // [USR-1]",
    statement: "USR-1",
    tests: ["test/behaviour/authentication-users.test.ts"]
  },
  {
    file: "src/broker/connect.ts",
    find: "      resume(Effect.interrupt)\n",
    replace: "",
    statement: "LGN-1",
    tests: files
  }
]
