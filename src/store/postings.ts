/**
 * Postings: the record indexes of a sealed segment, sorted by topic, so that a topic's next record is found by two
 * binary searches.
 *
 * They are made by a stable radix sort: a comparison sort of a full segment stalls the loop for some ten milliseconds.
 * They are a picture of the column at one time: records that were forgotten since are still in them, and whoever looks
 * something up compares with the column.
 */
const DIGIT_BITS = 11
const DIGIT_COUNT = 1 << DIGIT_BITS

export interface Postings {
  /** Distinct topics, ascending. */
  readonly topics: Uint32Array
  /** Where topic i's record indexes start in `records`; one more entry than topics. */
  readonly starts: Uint32Array
  readonly records: Uint32Array
}

/** Of the records whose topic is not `none`. */
export function makePostings(topicIds: Uint32Array, count: number, none: number): Postings {
  let highest = 0
  let size = 0
  let records = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const topicId = topicIds[i] as number
    if (topicId === none) continue
    if (topicId > highest) highest = topicId
    records[size++] = i
  }
  if (size < count) records = records.slice(0, size)
  let other = new Uint32Array(size)
  for (let shift = 0; shift < 32 && highest >>> shift > 0; shift += DIGIT_BITS) {
    sortByDigit(topicIds, records, other, shift)
    const swap = records
    records = other
    other = swap
  }
  return group(topicIds, records)
}

export function bytesOfPostings({ records, starts, topics }: Postings): number {
  return records.byteLength + starts.byteLength + topics.byteLength
}

/** First index in [low, high) whose value is >= wanted; `high` when there is none. */
export function lowerBound(values: Uint32Array | Float64Array, low: number, high: number, wanted: number): number {
  let from = low
  let to = high
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((values[middle] as number) < wanted) from = middle + 1
    else to = middle
  }
  return from
}

/** Position of the topic in `topics`, or -1. */
export function placeOfTopic({ topics }: Postings, topicId: number): number {
  const at = lowerBound(topics, 0, topics.length, topicId)
  return at < topics.length && topics[at] === topicId ? at : -1
}

function sortByDigit(topicIds: Uint32Array, from: Uint32Array, to: Uint32Array, shift: number): void {
  const positions = new Uint32Array(DIGIT_COUNT + 1)
  for (let i = 0; i < from.length; i++) {
    const digit = ((topicIds[from[i] as number] as number) >>> shift) & (DIGIT_COUNT - 1)
    positions[digit + 1] = (positions[digit + 1] as number) + 1
  }
  for (let i = 1; i <= DIGIT_COUNT; i++) positions[i] = (positions[i] as number) + (positions[i - 1] as number)
  for (let i = 0; i < from.length; i++) {
    const record = from[i] as number
    const digit = ((topicIds[record] as number) >>> shift) & (DIGIT_COUNT - 1)
    const at = positions[digit] as number
    to[at] = record
    positions[digit] = at + 1
  }
}

function group(topicIds: Uint32Array, records: Uint32Array): Postings {
  const topics: Array<number> = []
  const starts: Array<number> = []
  for (let i = 0; i < records.length; i++) {
    const topic = topicIds[records[i] as number] as number
    if (topics.length === 0 || topics[topics.length - 1] !== topic) {
      topics.push(topic)
      starts.push(i)
    }
  }
  starts.push(records.length)
  return { topics: Uint32Array.from(topics), starts: Uint32Array.from(starts), records }
}
