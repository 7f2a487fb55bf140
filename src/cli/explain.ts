/**
 * `promptmq explain --client c1 --publish plant/1`: may it, and which line decides. Asks the running broker, which knows who
 * the client is; without one, or with --offline, reads the configuration's rules file and takes the client as described.
 *
 * Exit codes: 0 allowed, 5 denied; 3 when configuration or rules file cannot be used.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Identity } from "../access/access.ts"
import { explainWith, type Question } from "../access/authorizer.ts"
import { ruleWords } from "../access/rules-authorizer.ts"
import { RulesSource } from "../access/rules-source.ts"
import { innerFilter } from "../admin/acl-questions.ts"
import { ConfigInvalid } from "../config/config-invalid.ts"
import { topicFault } from "../router/topic-filter.ts"
import type { Settings } from "../settings/settings.ts"
import { askHttp } from "./api-http.ts"
import { configuredUrl, readToken } from "./api-place.ts"
import { type ExitCode, exitCodes } from "./exit-codes.ts"
import { commandBody } from "./grammar/command.ts"
import { flag, text, texts } from "./grammar/option.ts"
import { configOption, load, printInvalid } from "./settings-options.ts"
import { complain, printProblem, say, type World } from "./world.ts"

/** An answer from memory: who does not give it at once is not there. */
const ANSWER_TIMEOUT_MS = 3000
const LEVELS_MAX = 65_536
const HTTP_OK = 200

const what = { section: "What it wants to do (one of them)", placeholder: "topic" }
const who = { section: "Who asks" }

export const body = commandBody({
  notes: [
    "Of a client that is connected the running broker knows everything; of another one it knows what you say. Rules that came with a client's credentials count only where the broker knows them.",
    "Rules decide in their order, the first that holds; a subscription is allowed by a rule that covers all of its filter, and each message is judged again by --read."
  ],
  examples: [
    { line: "promptmq explain --client c1 --publish plant/1", why: "exit code 0: it may; 5: it may not" },
    {
      line: "promptmq explain --offline -c new.yaml --client c1 --username alice --subscribe 'plant/#'",
      why: "before a reload"
    }
  ],
  operands: [],
  options: {
    client: text("client identifier", { ...who, placeholder: "id" }),
    username: text("user name", { ...who, placeholder: "name" }),
    group: texts("a group it is in (offline)", { ...who, placeholder: "name" }),
    address: text("its address", { ...who, placeholder: "address" }),
    listener: text("the listener it came by (offline)", { ...who, placeholder: "name" }),
    publish: text("publish a message", what),
    subscribe: text("subscribe to a filter", { ...what, placeholder: "filter" }),
    read: text("be handed a message", what),
    will: text("leave a will", what),
    qos: text("0, 1 or 2", { placeholder: "qos", choices: ["0", "1", "2"] }),
    retain: flag("with RETAIN; for --read: a retained message"),
    offline: flag("do not ask a running broker"),
    json: flag("as one JSON document"),
    ...configOption
  },
  isHelpWhenBare: true,
  run: async ({ options }, world) => {
    const asked = questionOf(options, world)
    if (typeof asked === "number") return asked
    const loaded = await load(options.config, new Map(), world)
    if (loaded instanceof ConfigInvalid) {
      printInvalid(world, loaded)
      return exitCodes.configInvalid
    }
    const { settings } = loaded
    const isDescribed = options.group.length > 0 || options.listener !== undefined
    const live = options.offline || isDescribed ? undefined : await askLive(settings, asked, world)
    const answer = live ?? (await readRules(settings, asked, world))
    if (typeof answer === "number") return answer
    if (options.json) world.stdout.write(`${JSON.stringify({ version: 1, ...answer })}\n`)
    else tell(answer, asked, world)
    return answer.verdict === "allow" ? exitCodes.done : exitCodes.refused
  }
})

interface Asked {
  readonly question: Question
  /** As it was typed. */
  readonly typed: string
  readonly identity: Identity
}

/** As the admin API answers it (admin/api/security.ts). */
interface Answer {
  readonly verdict: "allow" | "deny"
  readonly decidedBy: string
  readonly rule: { readonly text: string } | null
  readonly identity: { readonly username: string | null; readonly isConnected: boolean }
  /** Absent: it is the running broker's. */
  readonly offline?: true
}

interface Given {
  readonly client: string | undefined
  readonly username: string | undefined
  readonly group: ReadonlyArray<string>
  readonly address: string | undefined
  readonly listener: string | undefined
  readonly qos: string | undefined
  readonly retain: boolean
  readonly publish: string | undefined
  readonly subscribe: string | undefined
  readonly read: string | undefined
  readonly will: string | undefined
}

const actions = ["publish", "subscribe", "read", "will"] as const

const questionOf = (given: Given, world: World): Asked | ExitCode => {
  const chosen = actions.filter((action) => given[action] !== undefined)
  const [action] = chosen
  if (given.client === undefined || action === undefined || chosen.length > 1) {
    const fact =
      given.client === undefined ? "it needs --client" : "it needs one of --publish, --subscribe, --read, --will"
    complain(world, { code: "E2001", fact, fix: "promptmq explain --help" })
    return exitCodes.wrongUsage
  }
  const typed = given[action] as string
  const isFilter = action === "subscribe"
  const topic = isFilter ? innerFilter(typed) : topicFault(typed, LEVELS_MAX) === undefined ? typed : undefined
  if (topic === undefined) {
    const fact = `${JSON.stringify(typed)} is not a topic ${isFilter ? "filter" : "name"}`
    complain(world, { code: "E2002", fact, fix: "promptmq explain-error E2002" })
    return exitCodes.wrongUsage
  }
  const { address, client, group, listener, retain, username } = given
  const identity = { clientIdentifier: client, username, peer: address, listener, groups: group }
  return { question: { action, topic, qos: Number(given.qos ?? 0), retain }, typed, identity }
}

/** Undefined where no broker answers, which is said. */
const askLive = async (
  settings: Settings,
  { identity, question }: Asked,
  world: World
): Promise<Answer | undefined> => {
  const { enabled, tokenFile } = settings.admin
  if (!enabled) return undefined
  const { action, qos, retain, topic } = question
  const { clientIdentifier: client, peer: address, username } = identity
  const { token } = readToken(tokenFile)
  const body = { client, username, address, action, topic, qos, retain }
  const request = { method: "POST", path: "/api/v1/acl/explain", body, timeoutMs: ANSWER_TIMEOUT_MS } as const
  const answer = await askHttp(configuredUrl(settings), token, request)
  if ("unreached" in answer) say(world, "no running broker answers: judged by the configuration alone")
  else if (answer.status === HTTP_OK) return answer.body as Answer
  else say(world, `the broker answers with status ${answer.status}: judged by the configuration alone`)
  return undefined
}

const readRules = async (settings: Settings, asked: Asked, world: World): Promise<Answer | ExitCode> => {
  const opened = await Effect.runPromise(Effect.result(RulesSource.open(settings.acl)))
  if (Result.isFailure(opened)) {
    for (const problem of opened.failure.problems) printProblem(world, problem)
    return exitCodes.configInvalid
  }
  const { authorizer } = opened.success
  const { allowed, because, rule } = explainWith(authorizer, asked.identity, asked.question)
  return {
    verdict: allowed ? "allow" : "deny",
    decidedBy: rule?.source ?? because,
    rule: rule === undefined ? null : { text: ruleWords(rule) },
    identity: { username: asked.identity.username ?? null, isConnected: false },
    offline: true
  }
}

const words = {
  publish: "publish to",
  subscribe: "subscribe to",
  read: "be handed",
  will: "leave a will on",
  retained: ""
}

const tell = (answer: Answer, { identity, question, typed }: Asked, world: World): void => {
  const { decidedBy, rule, verdict } = answer
  const { username } = answer.identity
  const name = `${identity.clientIdentifier}${username === null ? "" : ` (user ${username})`}`
  const may = verdict === "allow" ? "may" : "may not"
  world.stdout.write(`${verdict}  ${name} ${may} ${words[question.action]} ${typed}\n`)
  world.stdout.write(rule === null ? `   ${decidedBy}\n` : `   ${decidedBy}: ${rule.text}\n`)
  if (answer.offline === true) say(world, "groups, rules and rights that come with credentials are not known here")
  else if (!answer.identity.isConnected) say(world, "the client is not connected: judged by what is known of it")
}
