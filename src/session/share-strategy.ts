/**
 * Which member of a shared subscription gets the next message. Plain choice over plain state: whether a member
 * can take it and has room, and randomness, come in as arguments.
 *
 *   round-robin      whose turn it is; members without room are passed over
 *   random           any member with room
 *   sticky           the one who had the last message, while it has room
 *   least-inflight   the fewest unacknowledged messages
 *   hash-clientid    by publisher; strict: the message waits for its member
 *   hash-topic       by topic; strict
 *   key-ordered      by key; strict, and a key moves to another member only when none of its messages is open
 *
 * Strict strategies use rendezvous hashing over the members that are there and can take the message: when one
 * joins or leaves, only the keys that move to or from it change their member.
 *
 * Invariants
 * - The answer has room, or is undefined: the message has to wait.
 * - A key that is open with a session is given to nobody else, also when that session is away (QoS 2) or is no
 *   member any more: what came first was completed first.
 */
import type { Session } from "./session.ts"
import type { Member, ShareGroup } from "./share-group.ts"

export const shareStrategies = [
  "round-robin",
  "random",
  "sticky",
  "least-inflight",
  "hash-clientid",
  "hash-topic",
  "key-ordered"
] as const
export type ShareStrategy = (typeof shareStrategies)[number]

/** What the choice needs to know of the message's way to a member. */
export interface Candidate {
  /** It is there, and the message is not too large for it. */
  readonly canTake: (member: Member) => boolean
  /** It can take the message now; implies canTake. */
  readonly hasRoom: (member: Member) => boolean
  /** In [0, 1). */
  readonly random: () => number
}

/** A strict strategy lets a message wait while somebody else has room. */
export const isStrict = (strategy: ShareStrategy): boolean =>
  strategy === "hash-clientid" || strategy === "hash-topic" || strategy === "key-ordered"

/** `key` is the publisher, the topic or the ordering key, as the strategy wants it; "" for those that want none. */
export const chooseMember = (
  strategy: ShareStrategy,
  group: ShareGroup,
  candidate: Candidate,
  key: string
): Member | undefined => {
  switch (strategy) {
    case "round-robin":
      return nextInTurn(group, candidate)
    case "random":
      return anyWithRoom(group, candidate)
    case "sticky":
      return sticky(group, candidate)
    case "least-inflight":
      return leastInFlight(group, candidate)
    case "hash-clientid":
    case "hash-topic":
      return ifRoom(byHash(group, candidate, key), candidate)
    case "key-ordered": {
      const open = group.openKeys.get(key)
      return ifRoom(open === undefined ? byHash(group, candidate, key) : group.memberOf(open.session), candidate)
    }
  }
}

/** Key-ordered: the key stays with this session until its last open message is done with. */
export const openKey = (group: ShareGroup, session: Session, key: string): void => {
  const open = group.openKeys.get(key)
  if (open === undefined) group.openKeys.set(key, { session, count: 1 })
  else open.count += 1
}

export const closeKey = (group: ShareGroup, key: string): void => {
  const open = group.openKeys.get(key)
  if (open === undefined) return
  open.count -= 1
  if (open.count === 0) group.openKeys.delete(key)
}

const ifRoom = (member: Member | undefined, { hasRoom }: Candidate): Member | undefined =>
  member !== undefined && hasRoom(member) ? member : undefined

const nextInTurn = (group: ShareGroup, candidate: Candidate): Member | undefined => {
  const { members } = group
  for (let i = 0; i < members.length; i++) {
    const at = (group.turn + i) % members.length
    const member = members[at] as Member
    if (!candidate.hasRoom(member)) continue
    group.turn = (at + 1) % members.length
    return member
  }
  return undefined
}

const anyWithRoom = ({ members }: ShareGroup, candidate: Candidate): Member | undefined => {
  let count = 0
  for (let i = 0; i < members.length; i++) if (candidate.hasRoom(members[i] as Member)) count += 1
  if (count === 0) return undefined
  let left = Math.floor(candidate.random() * count)
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as Member
    if (candidate.hasRoom(member) && left-- === 0) return member
  }
  return undefined
}

const sticky = (group: ShareGroup, candidate: Candidate): Member | undefined => {
  const last = group.sticky
  if (last !== undefined && candidate.hasRoom(last)) return last
  const next = anyWithRoom(group, candidate)
  if (next !== undefined) group.sticky = next
  return next
}

const leastInFlight = ({ members }: ShareGroup, candidate: Candidate): Member | undefined => {
  let best: Member | undefined
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as Member
    if (!candidate.hasRoom(member)) continue
    if (best === undefined || member.session.window.inFlight < best.session.window.inFlight) best = member
  }
  return best
}

const byHash = ({ members }: ShareGroup, candidate: Candidate, key: string): Member | undefined => {
  const seed = hashText(key, FNV_OFFSET)
  let best: Member | undefined
  let bestWeight = -1
  for (let i = 0; i < members.length; i++) {
    const member = members[i] as Member
    if (!candidate.canTake(member)) continue
    const weight = hashText(member.session.clientIdentifier, seed)
    if (weight > bestWeight) {
      best = member
      bestWeight = weight
    }
  }
  return best
}

const FNV_OFFSET = 0x811c9dc5

/** FNV-1a with a final mix, so that near names give far weights. */
const hashText = (text: string, seed: number): number => {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}
