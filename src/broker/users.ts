/**
 * What each user name has: its connected clients, and through them their subscriptions. Nothing is counted twice: a
 * quota is judged by what is there.
 *
 * Above limits.quota-warning-percent of a quota the log of events says so, once until the use has fallen below it again:
 * a person hears of it before the user's next device is refused. What users publish: user-quotas.ts.
 */
import type { Identity } from "../access/access.ts"
import type { Client } from "./client.ts"
import type { Core } from "./core.ts"
import { quotaNear } from "./user-quotas.ts"

class User {
  readonly clients = new Set<Client>()
  readonly warned = new Set<string>()
}

export class Users {
  readonly #users = new Map<string, User>()
  /** As it joined: a name may change when a client authenticates again. */
  readonly #nameOf = new Map<Client, string>()

  joined(client: Client, username: string | undefined): void {
    if (username === undefined) return
    this.#nameOf.set(client, username)
    let user = this.#users.get(username)
    if (user === undefined) {
      user = new User()
      this.#users.set(username, user)
    }
    user.clients.add(client)
  }

  left(client: Client): void {
    const username = this.#nameOf.get(client)
    const user = username === undefined ? undefined : this.#users.get(username)
    if (user === undefined || username === undefined) return
    this.#nameOf.delete(client)
    user.clients.delete(client)
    if (user.clients.size === 0) this.#users.delete(username)
  }

  of(username: string): User | undefined {
    return this.#users.get(username)
  }

  entries(): Iterable<[string, User]> {
    return this.#users.entries()
  }

  /** Held by the user's connected clients. */
  filtersOf(username: string): number {
    let held = 0
    for (const { session } of this.#users.get(username)?.clients ?? []) {
      held += (session?.subscriptions.size ?? 0) + (session?.shared?.size ?? 0)
    }
    return held
  }
}

/** [LIM-6] May the user have one connection more? `replaced` is one of its own that ends with it. */
export const mayConnect = (
  core: Core,
  { clientIdentifier, username }: Identity,
  replaced: Client | undefined
): boolean => {
  const max = core.limits.connectionsPerUserMax
  if (max === 0 || username === undefined) return true
  const user = core.fairness.users.of(username)
  const open = user?.clients.size ?? 0
  const isReplaced = replaced !== undefined && user?.clients.has(replaced) === true
  const wanted = open + (isReplaced ? 0 : 1)
  return judge(core, username, clientIdentifier, "limits.max-connections-per-user", wanted, max)
}

/** May the user's client hold one filter more? */
export const maySubscribe = (core: Core, client: Client): boolean => {
  const max = core.limits.subscriptionsPerUserMax
  const username = client.identity?.username
  if (max === 0 || username === undefined) return true
  const wanted = core.fairness.users.filtersOf(username) + 1
  const clientIdentifier = client.session?.clientIdentifier ?? ""
  return judge(core, username, clientIdentifier, "limits.max-subscriptions-per-user", wanted, max)
}

const judge = (
  core: Core,
  username: string,
  clientIdentifier: string,
  quota: string,
  wanted: number,
  max: number
): boolean => {
  const warned = core.fairness.users.of(username)?.warned
  const isNear = wanted * 100 >= max * core.limits.quotaWarningPercent
  if (!isNear) warned?.delete(quota)
  else if (warned !== undefined && !warned.has(quota)) {
    warned.add(quota)
    quotaNear(core, username, clientIdentifier, `${wanted} of ${max} (${quota})`)
  }
  return wanted <= max // [LIM-6]
}
