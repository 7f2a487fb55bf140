/**
 * Mutants of authorisation: every place that must ask before it hands over or takes, and what keeps an answer from being
 * somebody else's.
 */
import type { Mutant } from "./mutant.ts"

const reading = ["test/behaviour/authorisation-reading.test.ts"]
const writing = ["test/behaviour/authorisation-writing.test.ts"]
const replaying = ["test/behaviour/authorisation-replay.test.ts"]
const compiled = ["test/access/rules-authorizer.test.ts"]
const files = ["test/access/rules-file.test.ts"]

export const accessRulesMutants: ReadonlyArray<Mutant> = [
  {
    file: "src/broker/deliver.ts",
    find: "if (isNow && !isFree(client) && !mayHandNow(core, client, qos)) return // [ACL-1]",
    replace: "// [ACL-1]",
    statement: "ACL-1",
    tests: reading
  },
  {
    file: "src/broker/catch-up.ts",
    find: "if (!isFree(client) && !mayHand(core, client, entryOf(core, view), qos, false, 1, sequence)) return true // [ACL-1]",
    replace: "// [ACL-1]",
    statement: "ACL-1",
    tests: reading
  },
  {
    file: "src/broker/replay.ts",
    find: "if (!isFree(client) && !mayHand(core, client, entryOf(core, view), qos, false, 1, sequence)) return true // [ACL-1]",
    replace: "// [ACL-1]",
    statement: "ACL-1",
    tests: replaying
  },
  {
    file: "src/broker/retained.ts",
    find: "if (!isFree(client) && !mayHand(core, client, entryOf(core, view), qos, true, 1, message.sequence)) return true",
    replace: "",
    statement: "ACL-1",
    tests: reading
  },
  {
    file: "src/broker/retained.ts",
    find: "if (!isSourceTrusted(core, client, message)) return true",
    replace: "",
    statement: "ACL-1",
    tests: reading
  },
  {
    file: "src/broker/resend.ts",
    find: "if (!isFree(client) && !mayRead(core, client, entryOf(core, view), qos, held !== undefined)) {",
    replace: "if (client === undefined) {",
    statement: "ACL-1",
    tests: reading
  },
  {
    file: "src/broker/shared.ts",
    find: "if (client === undefined || !this.mayRead(member)) return false // [ACL-1]",
    replace: "if (client === undefined) return false // [ACL-1]",
    statement: "ACL-1",
    tests: reading
  },
  {
    file: "src/broker/wills.ts",
    find: "if (isAllowed) routeWill(core, session, will)",
    replace: "if (isAllowed || will !== undefined) routeWill(core, session, will)",
    statement: "ACL-2",
    tests: writing
  },
  {
    file: "src/broker/wills.ts",
    find: "if (will === undefined || isUnrestricted(access, identity)) return Effect.succeed(true)",
    replace: "if (will === undefined || identity !== undefined) return Effect.succeed(true)",
    statement: "ACL-2",
    tests: writing
  },
  {
    file: "src/broker/permissions.ts",
    find: "client.verdicts?.clear()",
    replace: "",
    statement: "ACL-3",
    tests: reading
  },
  {
    file: "src/broker/permissions.ts",
    find: "return this.slots[at] === (serial | 0) && word >>> HIGH_SHIFT === highOf(serial) ? word & VERDICTS : 0",
    replace: "return word & VERDICTS",
    statement: "ACL-3",
    tests: ["test/broker/permissions.test.ts"]
  },
  {
    file: "src/broker/ask.ts",
    find: "withoutShare(withoutReplay(filter))",
    replace: "withoutReplay(filter)",
    statement: "ACL-4",
    tests: reading
  },
  {
    file: "src/access/compile-rules.ts",
    find: "if (isServers) return // [ACL-5]",
    replace: "// [ACL-5]",
    statement: "ACL-5",
    tests: compiled
  },
  {
    file: "src/access/compile-rules.ts",
    find: 'text === undefined || text === "" || /[+#/]/.test(text) ? undefined : text',
    replace: "text",
    statement: "ACL-5",
    tests: compiled
  },
  {
    file: "src/broker/accept.ts",
    find: "if (before !== undefined && isOfAnother(core, client, before, identity)) {",
    replace:
      "if (before !== undefined && isOfAnother(core, client, before, { ...identity, username: before.username })) {",
    statement: "ACL-6",
    tests: writing
  },
  {
    file: "src/access/rules-authorizer.ts",
    find: 'this.allowsEverything = rules === undefined || (rules.length === 0 && noMatch === "allow")',
    replace: "this.allowsEverything = rules === undefined || rules.length === 0",
    statement: "ACL-7",
    tests: compiled
  },
  {
    file: "src/access/rules-source.ts",
    find: "if (problems.length > 0) return Effect.fail(new RulesInvalid({ problems })) // [ACL-8]",
    replace: "// [ACL-8]",
    statement: "ACL-8",
    tests: files
  },
  // What hangs on a client's name is answered to its whole class.
  {
    file: "src/broker/permissions.ts",
    find: "!classes.isPersonal // [ACL-9]",
    replace: "classes.firstClass > 0 // [ACL-9]",
    statement: "ACL-9",
    tests: writing
  },
  {
    file: "src/access/rules-authorizer.ts",
    find: "this.firstClass = this.#lastClass + 1 // [ACL-9]",
    replace: "this.#lastClass = 0 // [ACL-9]",
    statement: "ACL-9",
    tests: compiled
  }
]
