/**
 * What each user name has published today (UTC), in messages and bytes, over all its clients, and what it may.
 *
 *   below quota-warning-percent    nothing
 *   above it                       once a day: the log of events, the client's history, promptmq_user_quotas_total
 *   above the quota                0x97 to a 5.0 publisher, the end of the connection of a 3.x one (which has no way to be
 *                                  told), at QoS 0 silence; each message has a row in the drop ledger
 *
 * Invariants
 * - [LIM-10] Exact: a message that does not fit is not routed, and what was refused is not counted. Messages denied by the
 *   rules, and repeats at QoS 2, cost nothing; wills count like messages.
 * - The day begins anew at 00:00 UTC for everybody. A clock set back does not end it twice.
 * - At most limits.max-quota-users names. One more takes the place of the one that came first among those that are away.
 * - A client without quota (none set, or no user name) has no UserQuota: the price is one comparison with undefined.
 *
 * Elsewhere: the file that carries the counts over a restart (keep-quotas.ts); connections and filters per user (users.ts).
 */
import { Counter } from "../metrics/counters.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"

const DAY_MS = 86_400_000
/** Runs of QoS 0 frames are taken whole while so much is left: a chunk holds no more. */
const RUN_MESSAGES = 65_536
const RUN_BYTES = 4_194_304

/** Bits of `told`. */
const MESSAGES_NEAR = 1
const BYTES_NEAR = 2
const OVER = 4

export class UserQuota {
  readonly username: string
  messages = 0
  bytes = 0
  /** Messages refused today. */
  refused = 0
  /** What was said today. */
  told = 0

  constructor(username: string) {
    this.username = username
  }
}

export class UserQuotas {
  readonly #users = new Map<string, UserQuota>()
  /** When the day ends that is being counted; 0 = none was begun. */
  endsAtMs = 0
  /** Rises with every change, for whoever saves. */
  changes = 0

  get size(): number {
    return this.#users.size
  }

  values(): Iterable<UserQuota> {
    return this.#users.values()
  }

  find(username: string): UserQuota | undefined {
    return this.#users.get(username)
  }

  /** Made where there is none; `isAway` says whose place may be taken. */
  of(username: string, usersMax: number, isAway: (username: string) => boolean): UserQuota {
    const known = this.#users.get(username)
    if (known !== undefined) return known
    if (this.#users.size >= usersMax) {
      for (const name of this.#users.keys()) {
        if (!isAway(name)) continue
        this.#users.delete(name)
        break
      }
    }
    const made = new UserQuota(username)
    this.#users.set(username, made)
    return made
  }

  /** Ask before anything is counted or shown. */
  beginDay(nowMs: number): void {
    if (nowMs < this.endsAtMs) return
    this.endsAtMs = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS
    this.changes += 1
    for (const user of this.#users.values()) {
      user.messages = 0
      user.bytes = 0
      user.refused = 0
      user.told = 0
    }
  }
}

/** Gives the client its user's quota, where the settings have one: at CONNECT, and when they change. */
export const settleQuota = (core: Core, client: Client): void => {
  client.quota = quotaOf(core, client.identity?.username)
}

/** Undefined where nothing is counted. */
export const quotaOf = ({ fairness, limits, nowMs }: Core, username: string | undefined): UserQuota | undefined => {
  if (username === undefined || (limits.userMessagesPerDayMax === 0 && limits.userBytesPerDayMax === 0))
    return undefined
  fairness.quotas.beginDay(nowMs)
  return fairness.quotas.of(username, limits.quotaUsersMax, (name) => fairness.users.of(name) === undefined)
}

/** So much is left that a run cannot go beyond it. */
export const hasRoomForRun = ({ limits }: Core, { bytes, messages }: UserQuota): boolean =>
  (limits.userMessagesPerDayMax === 0 || limits.userMessagesPerDayMax - messages >= RUN_MESSAGES) &&
  (limits.userBytesPerDayMax === 0 || limits.userBytesPerDayMax - bytes >= RUN_BYTES)

/** [LIM-10] Counts them and says true, or refuses all of them. */
export const takeQuota = (
  core: Core,
  quota: UserQuota,
  clientIdentifier: string,
  messages: number,
  bytes: number
): boolean => {
  const { userBytesPerDayMax, userMessagesPerDayMax } = core.limits
  const { quotas } = core.fairness
  if (core.nowMs >= quotas.endsAtMs) quotas.beginDay(core.nowMs)
  const allMessages = quota.messages + messages
  const allBytes = quota.bytes + bytes
  const isOver =
    (userMessagesPerDayMax > 0 && allMessages > userMessagesPerDayMax) ||
    (userBytesPerDayMax > 0 && allBytes > userBytesPerDayMax)
  quotas.changes += 1
  if (isOver) {
    quota.refused += messages
    tellRefused(core, quota, clientIdentifier, messages)
    return false // [LIM-10]
  }
  quota.messages = allMessages
  quota.bytes = allBytes
  const { quotaWarningPercent } = core.limits
  if (allMessages * 100 >= userMessagesPerDayMax * quotaWarningPercent && userMessagesPerDayMax > 0)
    tellNear(core, quota, clientIdentifier, MESSAGES_NEAR)
  if (allBytes * 100 >= userBytesPerDayMax * quotaWarningPercent && userBytesPerDayMax > 0)
    tellNear(core, quota, clientIdentifier, BYTES_NEAR)
  return true
}

const tellNear = (core: Core, quota: UserQuota, clientIdentifier: string, which: number): void => {
  if ((quota.told & which) !== 0) return
  quota.told |= which
  const { userBytesPerDayMax, userMessagesPerDayMax } = core.limits
  const why =
    which === MESSAGES_NEAR
      ? `${quota.messages} of ${userMessagesPerDayMax} (limits.max-user-messages-per-day)`
      : `${quota.bytes} of ${userBytesPerDayMax} bytes (limits.max-user-bytes-per-day)`
  quotaNear(core, quota.username, clientIdentifier, why)
}

const tellRefused = (core: Core, quota: UserQuota, clientIdentifier: string, messages: number): void => {
  core.count[Counter.quotaRefused] = (core.count[Counter.quotaRefused] as number) + messages
  const { userMessagesPerDayMax: max } = core.limits
  const key = max > 0 && quota.messages + messages > max ? "max-user-messages-per-day" : "max-user-bytes-per-day"
  const why = `limits.${key} of user ${quota.username}`
  core.clientEvents.add(clientIdentifier, "quota-exceeded", core.nowMs, undefined, undefined, why, messages)
  if ((quota.told & OVER) !== 0) return
  quota.told |= OVER
  const { username } = quota
  const until = new Date(core.fairness.quotas.endsAtMs).toISOString()
  const what = `a user has used up its quota until ${until}`
  core.options.report({ level: "warn", what, clientIdentifier, username, why: `limits.${key}` })
}

/** A user comes near one of its quotas, of messages, connections or filters: whoever judges says so once. */
export const quotaNear = (core: Core, username: string, clientIdentifier: string, why: string): void => {
  core.count[Counter.quotaWarned] = (core.count[Counter.quotaWarned] as number) + 1
  core.clientEvents.add(clientIdentifier, "quota-near", core.nowMs, undefined, undefined, why)
  core.options.report({
    level: "warn",
    what: "a user comes near its quota",
    clientIdentifier,
    username,
    why: `${why}, user ${username}`
  })
}
