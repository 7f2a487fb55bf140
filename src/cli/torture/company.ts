/**
 * Who takes part in a run, and what each of them must get. All of MQTT's promises that outlive a process are here once.
 *
 *   topics    t/...  streams: numbers, at QoS 1 and 2, one of them retained      every subscriber but the members
 *             s/...  the same, for the members of two shared subscriptions
 *             r/...  retained values that are set and cleared                    the audit
 *             x/...  probes of changing subscriptions                            the shifter
 *             w/...  wills                                                       the watcher
 */
import { type Books, GroupBook, StreamBook, TopicBook } from "./books.ts"
import type { Dice } from "./dice.ts"
import type { Actor } from "./peer.ts"
import { Publisher } from "./publisher.ts"
import { RetainedAudit } from "./retained-audit.ts"
import { Shifter } from "./shifter.ts"
import { Subscriber, type SubscriberOptions } from "./subscriber.ts"
import { Wills } from "./wills.ts"

export interface Company {
  /** Comes first in each life, alone. */
  readonly audit: Actor
  readonly actors: ReadonlyArray<Actor>
  /** Those of `t/`, for further subscribers. */
  readonly streams: ReadonlyArray<TopicBook>
}

const clearEvery = 5
const sharedMembers = 3

export function gather(books: Books, dice: () => Dice): Company {
  const one = [
    new TopicBook("t/one/0", 1),
    new TopicBook("t/one/1", 2),
    new TopicBook("t/one/2", 1, { isRetained: true })
  ]
  const two = [new TopicBook("t/two/0", 2), new TopicBook("t/two/1", 1)]
  const passing = [new TopicBook("t/passing/0", 1)]
  const shared = [new TopicBook("s/a", 1), new TopicBook("s/b", 2)]
  const kept = Array.from({ length: 6 }, (_, i) => {
    return new TopicBook(`r/${i}/value`, i % 2 === 0 ? 1 : 2, { isRetained: true, clearEvery })
  })
  const publishers = [
    new Publisher(books, dice, { name: "one", version: 5, isPersistent: true, topics: one }),
    new Publisher(books, dice, { name: "two", version: 4, isPersistent: true, topics: two }),
    new Publisher(books, dice, { name: "passing", version: 5, isPersistent: false, topics: passing }),
    new Publisher(books, dice, { name: "sharing", version: 5, isPersistent: true, topics: shared }),
    new Publisher(books, dice, { name: "keeper", version: 5, isPersistent: true, topics: kept })
  ]
  const streams = [...one, ...two, ...passing]
  const subscribers = [...readers(streams), ...members(shared)].map((options) => new Subscriber(books, dice, options))
  const audit = new RetainedAudit(books, ["r/#", "t/#"], [...kept, ...one])
  return { audit, actors: [...subscribers, ...publishers, new Shifter(books, dice), new Wills(books, dice)], streams }
}

function readers(streams: ReadonlyArray<TopicBook>): ReadonlyArray<SubscriberOptions> {
  const [first, exact, last, second, plus] = streams as [TopicBook, TopicBook, TopicBook, TopicBook, TopicBook]
  const at = (qos: 1 | 2, ...topics: ReadonlyArray<TopicBook>) => topics.map((topic) => new StreamBook(topic, qos))
  return [
    {
      name: "wild",
      version: 5,
      subscriptions: [{ topic: "t/#", qos: 2 }],
      receives: at(2, ...streams)
    },
    {
      name: "plus",
      version: 4,
      subscriptions: [{ topic: "t/+/1", qos: 1 }],
      receives: at(1, exact, plus),
      absence: 0.4
    },
    {
      name: "slow",
      version: 5,
      subscriptions: [{ topic: "t/one/+", qos: 2 }],
      receives: at(2, first, exact, last),
      receiveMaximum: 4,
      manner: "slow"
    },
    {
      name: "exact",
      version: 4,
      subscriptions: [exact, second].map(({ topic }) => ({ topic, qos: 2 })),
      receives: at(2, exact, second),
      absence: 0.4
    },
    {
      name: "hoarder",
      version: 5,
      subscriptions: [{ topic: "t/#", qos: 1 }],
      receives: at(1, ...streams),
      receiveMaximum: 20,
      manner: "hoarding"
    },
    {
      name: "crossing",
      version: 5,
      subscriptions: [
        { topic: "t/#", qos: 1 },
        { topic: "t/two/+", qos: 2 }
      ],
      receives: streams.map((topic) => new StreamBook(topic, topic.topic.startsWith("t/two/") ? 2 : 1)),
      absence: 0.2
    }
  ]
}

function members(shared: ReadonlyArray<TopicBook>): ReadonlyArray<SubscriberOptions> {
  return ([1, 2] as const).flatMap((qos) => {
    const group = shared.map((topic) => new GroupBook(topic, qos))
    return Array.from({ length: sharedMembers }, (_, i) => ({
      name: `member-${qos}-${i}`,
      version: 5 as const,
      subscriptions: [{ topic: `$share/group-${qos}/s/#`, qos }],
      receives: group,
      absence: i === 0 ? 0 : 0.4,
      manner: i === 1 ? ("slow" as const) : ("prompt" as const),
      isShared: true
    }))
  })
}
