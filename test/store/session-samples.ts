/**
 * Saved values of every kind, drawn by fast-check: whatever the broker may hand to a SessionStore.
 */
import * as fc from "fast-check"
import type {
  SavedCursor,
  SavedExchange,
  SavedGroup,
  SavedInterval,
  SavedSession,
  SavedSubscription,
  SavedWill
} from "../../src/store/ports.ts"

const text = (maxLength: number) => fc.string({ maxLength, unit: "grapheme" })
const sequence = fc.oneof(fc.nat(1000), fc.maxSafeNat())
const packetIdentifier = fc.integer({ min: 1, max: 65_535 })

export const filterText = fc.oneof(text(12), fc.constant(`${"long/".repeat(13_000)}#`))

export const savedInterval: fc.Arbitrary<SavedInterval> = fc.record({
  qos: fc.integer({ min: 0, max: 2 }),
  noLocal: fc.boolean(),
  retainAsPublished: fc.boolean(),
  subscriptionIdentifier: fc.nat(268_435_455),
  from: sequence,
  to: fc.oneof(sequence, fc.constant(Number.POSITIVE_INFINITY))
})

const savedReplay = { next: sequence, head: sequence, handed: fc.array(sequence, { maxLength: 3 }) }

export const savedSubscription: fc.Arbitrary<SavedSubscription> = fc.record(
  {
    intervals: fc.array(savedInterval, { maxLength: 4 }),
    retainedBelow: fc.oneof(sequence, fc.constant(-1)),
    replay: fc.record(savedReplay)
  },
  { requiredKeys: ["intervals", "retainedBelow"] }
)

const savedWill: fc.Arbitrary<SavedWill> = fc.record({
  topic: text(20),
  isVersion5: fc.boolean(),
  frame: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  delaySeconds: fc.oneof(fc.nat(100), fc.constant(0xffff_fffe))
})

export const savedSession: fc.Arbitrary<SavedSession> = fc.record({
  clientIdentifier: text(23),
  number: fc.integer({ min: 1, max: 0xffff_fffe }),
  epoch: fc.integer({ min: 1, max: 0xffff_ffff }),
  expiryIntervalSeconds: fc.oneof(fc.nat(10_000), fc.constant(0xffff_fffe), fc.constant(Number.POSITIVE_INFINITY)),
  username: fc.option(text(20), { nil: undefined }),
  disconnectedAtMs: fc.oneof(fc.constant(0), fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 })),
  will: fc.option(savedWill, { nil: undefined })
})

export const savedExchange: fc.Arbitrary<SavedExchange> = fc.oneof(
  fc.record({
    packetIdentifier,
    state: fc.integer({ min: 1, max: 3 }),
    sequence: fc.oneof(sequence, fc.constant(-1)),
    kind: fc.constantFrom("ordinary", "retained", "shared", "replay"),
    filter: filterText
  }),
  fc.record({
    packetIdentifier: fc.constant(0),
    state: fc.constant(0),
    sequence,
    kind: fc.constant("ordinary"),
    filter: fc.constant("")
  })
)

export const savedCursor: fc.Arbitrary<SavedCursor> = fc.record(
  {
    cursor: sequence,
    open: fc.array(savedExchange, { maxLength: 5 }),
    incoming: fc.array(packetIdentifier, { maxLength: 5 }),
    retained: fc.array(
      fc.record({ filter: filterText, below: sequence, after: fc.option(text(10), { nil: undefined }) }),
      { maxLength: 3 }
    ),
    replays: fc.array(fc.record({ filter: filterText, ...savedReplay }), { minLength: 1, maxLength: 3 })
  },
  { requiredKeys: ["cursor", "open", "incoming", "retained"] }
)

export const savedGroup: fc.Arbitrary<SavedGroup> = fc.record({
  bornAt: sequence,
  cursor: sequence,
  requeued: fc.array(sequence, { maxLength: 6 })
})
