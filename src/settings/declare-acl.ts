/**
 * Settings of `acl`: what clients may do. Who they are is `auth`.
 *
 * Without a rules file everybody who may connect may do everything but write `$` topics. With one, what no rule allows is
 * denied. The rules themselves are not settings: they have a file of their own (access/rules-file.ts).
 */
import { boolean, choice, integer, size, text } from "./kinds.ts"
import { section } from "./section.ts"

export const aclSection = section({
  rulesFile: text({
    fallback: "",
    fallbackWords: "no rules: whoever may connect may publish and subscribe",
    summary:
      "File with the rules, in YAML, or an acl_file of Mosquitto. Read again when it changes; a bad one leaves the old rules at work."
  }),
  noMatch: choice({
    choices: ["deny", "allow"],
    fallback: "deny",
    summary: "What holds where there are rules and none of them does."
  }),
  checkRetainedSource: boolean({
    fallback: true,
    live: true,
    summary:
      "Send a retained message only while the client that published it may still publish it, as far as that is known."
  }),
  sessionTakeover: choice({
    choices: ["same-user", "anyone"],
    fallback: "same-user",
    live: true,
    summary:
      "Who may resume or replace a session that belongs to a user name: that user alone, or whoever has the client identifier. Asked where credentials are."
  }),
  maxCachedTopics: integer({
    fallback: 16_384,
    minimum: 64,
    maximum: 1_048_576,
    live: true,
    summary: "Topics per connection whose verdicts are kept; rounded up to a power of two."
  }),
  maxCacheBytes: size({
    key: "max-cache-memory",
    fallback: "64MiB",
    minimum: "64KiB",
    maximum: "16GiB",
    live: true,
    summary: "Memory for verdicts of all connections together; beyond it, less is kept per connection."
  })
})
