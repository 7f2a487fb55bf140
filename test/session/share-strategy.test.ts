/**
 * The choice among members, strategy by strategy: plain state, no broker. A member here is a name that is there or
 * not, and has room or not.
 */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { makeNaiveRouter } from "../../src/router/naive-router.ts"
import { ExchangeState } from "../../src/session/outgoing-window.ts"
import { Session } from "../../src/session/session.ts"
import { type Member, ShareGroup } from "../../src/session/share-group.ts"
import {
  type Candidate,
  chooseMember,
  closeKey,
  isStrict,
  openKey,
  type ShareStrategy,
  shareStrategies
} from "../../src/session/share-strategy.ts"

const WINDOW = 8

const makeGroup = (...names: ReadonlyArray<string>): ShareGroup => {
  const group = new ShareGroup("$share/g/t", makeNaiveRouter<Session>().acquire("t"), 0)
  for (const name of names) join(group, name)
  return group
}

const join = (group: ShareGroup, name: string): Session => {
  const session = new Session(name, 1, WINDOW)
  group.join(session, { qos: 1, retainAsPublished: false, identifiers: undefined })
  return session
}

const leave = (group: ShareGroup, name: string): void => {
  const member = group.members.find(({ session }) => session.clientIdentifier === name)
  if (member !== undefined) group.leave(member.session)
}

const nameOf = (member: Member | undefined): string | undefined => member?.session.clientIdentifier

class Room implements Candidate {
  readonly away = new Set<string>()
  readonly full = new Set<string>()
  random: () => number = () => 0
  readonly canTake = (member: Member): boolean => !this.away.has(nameOf(member) as string)
  readonly hasRoom = (member: Member): boolean => this.canTake(member) && !this.full.has(nameOf(member) as string)
}

const choices = (strategy: ShareStrategy, group: ShareGroup, room: Candidate, count: number, key = "") =>
  Array.from({ length: count }, () => nameOf(chooseMember(strategy, group, room, key)))

const keys = Array.from({ length: 600 }, (_, i) => `topic/${i}`)
const ownersOf = (group: ShareGroup, room: Candidate): ReadonlyArray<string> =>
  keys.map((key) => nameOf(chooseMember("hash-topic", group, room, key)) as string)

describe("every strategy", () => {
  for (const strategy of shareStrategies) {
    it(`${strategy} gives to a member with room, or to nobody`, () => {
      const names = ["A", "B", "C", "D"]
      const some = fc.subarray(names)
      fc.assert(
        fc.property(
          some,
          some,
          fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
          fc.string(),
          (away, full, dice, key) => {
            const room = new Room()
            for (const name of away) room.away.add(name)
            for (const name of full) room.full.add(name)
            room.random = () => dice
            const free = names.filter((name) => !away.includes(name) && !full.includes(name))
            const chosen = nameOf(chooseMember(strategy, makeGroup(...names), room, key))
            if (chosen !== undefined) assert.include(free, chosen)
            else if (!isStrict(strategy)) assert.isEmpty(free)
            else if (away.length < names.length) assert.isNotEmpty(full)
          }
        )
      )
    })

    it(`${strategy} gives to nobody where nobody is`, () => {
      assert.isUndefined(chooseMember(strategy, makeGroup(), new Room(), "k"))
    })
  }
})

describe("round-robin", () => {
  it("gives everybody the same share", () => {
    assert.deepEqual(choices("round-robin", makeGroup("A", "B", "C"), new Room(), 7), [
      "A",
      "B",
      "C",
      "A",
      "B",
      "C",
      "A"
    ])
  })

  it("passes over who has no room, and comes back", () => {
    const room = new Room()
    const group = makeGroup("A", "B", "C")
    room.full.add("B")
    assert.deepEqual(choices("round-robin", group, room, 4), ["A", "C", "A", "C"])
    room.full.clear()
    assert.deepEqual(choices("round-robin", group, room, 3), ["A", "B", "C"])
  })

  it("whose turn it is, it still is when another one leaves", () => {
    for (const gone of ["A", "B", "C", "D"]) {
      const group = makeGroup("A", "B", "C", "D")
      assert.deepEqual(choices("round-robin", group, new Room(), 2), ["A", "B"])
      leave(group, gone)
      const next = gone === "C" ? "D" : "C"
      assert.deepEqual(choices("round-robin", group, new Room(), 1), [next], `${gone} left`)
    }
  })

  it("nobody is skipped or served twice within a round, whoever comes and goes", () => {
    const step = fc.oneof(fc.constant("give"), fc.constantFrom("A", "B", "C", "D"))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const group = makeGroup("A", "B", "C", "D")
        /** Members, the one whose turn it is first: a queue says the same as an index. */
        let queue = ["A", "B", "C", "D"]
        for (const name of steps) {
          if (name !== "give") {
            leave(group, name)
            queue = queue.filter((other) => other !== name)
          } else if (queue.length > 0) {
            assert.deepEqual(choices("round-robin", group, new Room(), 1), [queue[0]])
            queue.push(queue.shift() as string)
          }
        }
      })
    )
  })
})

describe("random", () => {
  it("reaches everybody with room, each as often", () => {
    const room = new Room()
    room.full.add("B")
    const counts = new Map<string | undefined, number>()
    for (let i = 0; i < 300; i++) {
      room.random = () => i / 300
      const [name] = choices("random", makeGroup("A", "B", "C", "D"), room, 1)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    assert.deepEqual(Object.fromEntries(counts), { A: 100, C: 100, D: 100 })
  })
})

describe("sticky", () => {
  it("stays with one member while it has room", () => {
    const room = new Room()
    const group = makeGroup("A", "B", "C")
    room.random = () => 0.5
    assert.deepEqual(choices("sticky", group, room, 3), ["B", "B", "B"])
    room.random = () => 0
    assert.deepEqual(choices("sticky", group, room, 2), ["B", "B"])
    room.full.add("B")
    assert.deepEqual(choices("sticky", group, room, 2), ["A", "A"])
    room.full.clear()
    assert.deepEqual(choices("sticky", group, room, 2), ["A", "A"], "it does not jump back")
  })

  it("looks for another one when its member leaves, and is not lost when nobody has room", () => {
    const room = new Room()
    const group = makeGroup("A", "B")
    assert.deepEqual(choices("sticky", group, room, 1), ["A"])
    room.full.add("A").add("B")
    assert.deepEqual(choices("sticky", group, room, 1), [undefined])
    room.full.clear()
    room.random = () => 0.9
    assert.deepEqual(choices("sticky", group, room, 1), ["A"])
    leave(group, "A")
    assert.deepEqual(choices("sticky", group, room, 2), ["B", "B"])
  })
})

describe("least-inflight", () => {
  it("gives to the member with the fewest unacknowledged messages", () => {
    const group = makeGroup("A", "B", "C")
    const [a, b, c] = group.members.map(({ session }) => session.window)
    for (let i = 0; i < 3; i++) a?.open(ExchangeState.awaitPuback, i)
    b?.open(ExchangeState.awaitPuback, 3)
    const id = b?.open(ExchangeState.awaitPubrec, 4) as number
    for (let i = 0; i < 2; i++) c?.open(ExchangeState.awaitPuback, 5 + i)
    assert.deepEqual(choices("least-inflight", group, new Room(), 1), ["B"], "the first of those that are even")
    c?.close(1)
    assert.deepEqual(choices("least-inflight", group, new Room(), 1), ["C"])
    b?.close(id)
    b?.close(1)
    assert.deepEqual(choices("least-inflight", group, new Room(), 1), ["B"])
    const room = new Room()
    room.full.add("B")
    assert.deepEqual(choices("least-inflight", group, room, 1), ["C"])
  })
})

describe("hashing", () => {
  it("spreads the keys", () => {
    const names = ["client-1", "client-2", "client-3", "client-4"]
    const owners = ownersOf(makeGroup(...names), new Room())
    for (const name of names) assert.closeTo(owners.filter((owner) => owner === name).length, keys.length / 4, 45, name)
  })

  it("moves the keys of the member that left, and no others", () => {
    const group = makeGroup("A", "B", "C", "D")
    const before = ownersOf(group, new Room())
    leave(group, "C")
    const after = ownersOf(group, new Room())
    after.forEach((owner, i) => {
      if (before[i] === "C") assert.notEqual(owner, "C")
      else assert.equal(owner, before[i], keys[i])
    })
    assert.isAbove(new Set(after.filter((_, i) => before[i] === "C")).size, 1, "they are spread over those that stay")
  })

  it("moves keys to the member that joined, and nowhere else", () => {
    const group = makeGroup("A", "B", "C")
    const before = ownersOf(group, new Room())
    join(group, "D")
    const after = ownersOf(group, new Room())
    const moved = after.filter((owner, i) => owner !== before[i])
    assert.closeTo(moved.length, keys.length / 4, 45)
    assert.deepEqual([...new Set(moved)], ["D"])
  })

  it("is the same whatever the order in which members joined", () => {
    const room = new Room()
    assert.deepEqual(ownersOf(makeGroup("A", "B", "C"), room), ownersOf(makeGroup("C", "A", "B"), room))
  })

  it("a member without room keeps its keys, one that is away does not", () => {
    const group = makeGroup("A", "B")
    const room = new Room()
    const key = keys[ownersOf(group, room).indexOf("A")] as string
    room.full.add("A")
    assert.deepEqual(choices("hash-topic", group, room, 1, key), [undefined])
    room.away.add("A")
    assert.deepEqual(choices("hash-topic", group, room, 1, key), ["B"])
  })
})

describe("key-ordered", () => {
  it("a key stays with its member while a message of it is open, and moves when none is", () => {
    const group = makeGroup("A", "B")
    const room = new Room()
    const key = keys.find((each) => nameOf(chooseMember("key-ordered", group, room, each)) === "A") as string
    const sessionA = (group.members[0] as Member).session
    openKey(group, sessionA, key)
    openKey(group, sessionA, key)
    room.away.add("A")
    assert.deepEqual(choices("key-ordered", group, room, 1, key), [undefined], "it waits for A's return")
    room.away.clear()
    leave(group, "A")
    assert.deepEqual(choices("key-ordered", group, room, 1, key), [undefined], "A left and has not acknowledged yet")
    closeKey(group, key)
    assert.deepEqual(choices("key-ordered", group, room, 1, key), [undefined], "one is still open")
    closeKey(group, key)
    assert.deepEqual(choices("key-ordered", group, room, 1, key), ["B"])
    assert.equal(group.openKeys.size, 0)
  })

  it("a session that left and came back finds its open keys again", () => {
    const group = makeGroup("A", "B")
    const { session } = group.members[0] as Member
    openKey(group, session, "k")
    group.leave(session)
    group.join(session, { qos: 1, retainAsPublished: false, identifiers: undefined })
    assert.deepEqual(choices("key-ordered", group, new Room(), 1, "k"), ["A"])
  })

  it("keys whose member has nothing open are rebalanced when somebody joins", () => {
    const group = makeGroup("A")
    openKey(group, (group.members[0] as Member).session, "topic/0")
    join(group, "B")
    join(group, "C")
    const owners = keys.map((key) => nameOf(chooseMember("key-ordered", group, new Room(), key)))
    assert.equal(owners[0], "A")
    assert.deepEqual([...new Set(owners)].sort(), ["A", "B", "C"])
  })
})
