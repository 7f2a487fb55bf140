/**
 * Which member of a shared subscription gets the next message. Plain choice over plain state: whether a member
 * has room, randomness and the message's facts come in as arguments.
 *
 *   round-robin      whose turn it is; members without room are passed over
 *   random           any member with room
 *   sticky           the one who had the last message, while it has room
 *   least-inflight   the fewest unacknowledged messages
 *   hash-clientid    by publisher; strict: the message waits for its member
 *   hash-topic       by topic; strict
 *   key-ordered      by key; strict, and a key moves to another member only when none of its messages is open
 *
 * Strict strategies use rendezvous hashing over the members that are connected: when one joins or leaves only
 * the keys that move with it change their member.
 *
 * Answers undefined when the message has to wait.
 */
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

export interface Candidate {
  readonly isConnected: (member: Member) => boolean
  readonly hasRoom: (member: Member) => boolean
  /** In [0, 1). */
  readonly random: () => number
}

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
      return anyOf(group.members.filter(candidate.hasRoom), candidate.random)
    case "sticky":
      return sticky(group, candidate)
    case "least-inflight":
      return leastInFlight(group, candidate)
    case "key-ordered": {
      const open = group.openKeys.get(key)
      const member = open === undefined ? byHash(group, candidate, key) : open.member
      return member !== undefined && candidate.hasRoom(member) ? member : undefined
    }
    default: {
      const member = byHash(group, candidate, key)
      return member !== undefined && candidate.hasRoom(member) ? member : undefined
    }
  }
}

const nextInTurn = (group: ShareGroup, { hasRoom }: Candidate): Member | undefined => {
  const { members } = group
  for (let i = 0; i < members.length; i++) {
    const at = (group.turn + i) % members.length
    const member = members[at] as Member
    if (!hasRoom(member)) continue
    group.turn = (at + 1) % members.length
    return member
  }
  return undefined
}

const anyOf = (members: ReadonlyArray<Member>, random: () => number): Member | undefined =>
  members[Math.floor(random() * members.length)]

const sticky = (group: ShareGroup, candidate: Candidate): Member | undefined => {
  const { members } = group
  const last = group.sticky
  if (last !== undefined && members.includes(last) && candidate.hasRoom(last)) return last
  group.sticky = anyOf(members.filter(candidate.hasRoom), candidate.random)
  return group.sticky
}

const leastInFlight = (group: ShareGroup, { hasRoom }: Candidate): Member | undefined => {
  let best: Member | undefined
  for (const member of group.members) {
    if (!hasRoom(member)) continue
    if (best === undefined || member.session.window.inFlight < best.session.window.inFlight) best = member
  }
  return best
}

const byHash = (group: ShareGroup, { isConnected }: Candidate, key: string): Member | undefined => {
  let best: Member | undefined
  let bestWeight = -1
  for (const member of group.members) {
    if (!isConnected(member)) continue
    const weight = hashText(member.session.clientIdentifier, hashText(key, FNV_OFFSET))
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
