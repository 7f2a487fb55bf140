/**
 * The columns of a cold segment: as few bytes a record as its values need.
 *
 *   column       base + i * step + values[i] * unit; no values at all where this says enough without them
 *   topicIds     above the lowest id; the highest value of its width stands for NO_TOPIC
 *   publishers, flags, sizes, following    above the lowest of them
 *   places       above a line through the first and the last: records of a segment lie behind each other in their file
 *
 * Records of one flood take a byte or two each, of the 21 they take while they are hot.
 *
 * What is still written to a cold segment: topics that go, hints that come, places that move. A column that cannot hold
 * the value is made wider (`following`, each time to at least the next width: three times at most), or taken apart until
 * all is written (`places`). It answers when it grew, so that whoever counts its bytes counts them again.
 */

/** In the topic column: no message at this position any more. */
export const NO_TOPIC = 0xffff_ffff
/** Records are aligned to this in their file. */
const PLACE_UNIT = 8

type Values = Uint8Array | Uint16Array | Uint32Array

class Column {
  readonly base: number
  readonly step: number
  readonly unit: number
  readonly values: Values | undefined

  constructor(base: number, step: number, unit: number, values: Values | undefined) {
    this.base = base
    this.step = step
    this.unit = unit
    this.values = values
  }

  get bytes(): number {
    return this.values === undefined ? 0 : this.values.byteLength
  }

  at(i: number): number {
    const { base, step, unit, values } = this
    return values === undefined ? base + i * step : base + i * step + (values[i] as number) * unit
  }
}

export interface ColumnsToPack {
  readonly count: number
  readonly starts: Uint32Array
  readonly topicIds: Uint32Array
  readonly publishers: Uint32Array
  readonly flags: Uint8Array
  readonly following: Uint32Array
  readonly places: Uint32Array | undefined
}

export class PackedColumns {
  readonly #count: number
  readonly #sizes: Column
  readonly #publishers: Column
  readonly #flags: Column
  #topicIds: Column
  /** In its values: NO_TOPIC. */
  #none: number
  #following: Column
  #places: Column | undefined
  /** The places, as long as they are taken apart. */
  #moving: Uint32Array | undefined = undefined

  constructor({ count, flags, following, places, publishers, starts, topicIds }: ColumnsToPack) {
    const sizes = new Uint32Array(count)
    for (let i = 0; i < count; i++) sizes[i] = (starts[i + 1] as number) - (starts[i] as number)
    this.#count = count
    this.#sizes = packed(sizes, count)
    this.#publishers = packed(publishers, count)
    this.#flags = packed(flags, count)
    this.#topicIds = packedTopics(topicIds, count)
    this.#none = noneOf(this.#topicIds)
    this.#following = packed(following, count)
    this.#places = places === undefined ? undefined : packedPlaces(places, count)
  }

  get bytes(): number {
    const moving = this.#moving === undefined ? 0 : this.#moving.byteLength
    const places = this.#places === undefined ? 0 : this.#places.bytes
    const { bytes } = this.#topicIds
    return (
      bytes + this.#sizes.bytes + this.#publishers.bytes + this.#flags.bytes + this.#following.bytes + places + moving
    )
  }

  sizeAt(i: number): number {
    return this.#sizes.at(i)
  }
  publisherAt(i: number): number {
    return this.#publishers.at(i)
  }
  flagsAt(i: number): number {
    return this.#flags.at(i)
  }
  followingAt(i: number): number {
    return this.#following.at(i)
  }
  topicIdAt(i: number): number {
    const { base, values } = this.#topicIds
    if (values === undefined) return base
    const value = values[i] as number
    return value === this.#none ? NO_TOPIC : base + value
  }
  /** Of a segment with places. */
  placeAt(i: number): number {
    return this.#moving === undefined ? (this.#places as Column).at(i) : (this.#moving[i] as number)
  }

  topicColumn(): Uint32Array {
    const topicIds = new Uint32Array(this.#count)
    for (let i = 0; i < topicIds.length; i++) topicIds[i] = this.topicIdAt(i)
    return topicIds
  }

  /** The message is gone. */
  forget(i: number): void {
    const { base } = this.#topicIds
    const values = this.#topicIds.values ?? new Uint8Array(this.#count)
    if (values !== this.#topicIds.values) {
      this.#topicIds = new Column(base, 0, 1, values)
      this.#none = noneOf(this.#topicIds)
    }
    values[i] = this.#none
  }

  /** Answers whether the column grew. */
  link(i: number, distance: number): boolean {
    const { base, values } = this.#following
    const value = distance - base
    if (values === undefined && value === 0) return false
    if (values !== undefined && value >= 0 && value <= highestOf(values)) {
      values[i] = value
      return false
    }
    let highest = distance
    for (let at = 0; at < this.#count; at++) highest = Math.max(highest, this.followingAt(at))
    const wider = valuesFor(highest, this.#count)
    for (let at = 0; at < this.#count; at++) wider[at] = this.followingAt(at)
    wider[i] = distance
    this.#following = new Column(0, 0, 1, wider)
    return true
  }

  /** Places of a segment with places, to be written to until settlePlaces(). */
  movePlaces(): Uint32Array {
    if (this.#moving === undefined) {
      const moving = new Uint32Array(this.#count)
      for (let i = 0; i < moving.length; i++) moving[i] = this.placeAt(i)
      this.#moving = moving
      this.#places = undefined
    }
    return this.#moving
  }

  settlePlaces(): void {
    if (this.#moving === undefined) return
    this.#places = packedPlaces(this.#moving, this.#count)
    this.#moving = undefined
  }
}

function packed(from: Uint32Array | Uint8Array, count: number): Column {
  if (count === 0) return new Column(0, 0, 1, undefined)
  let lowest = from[0] as number
  let highest = lowest
  for (let i = 1; i < count; i++) {
    const value = from[i] as number
    if (value < lowest) lowest = value
    if (value > highest) highest = value
  }
  if (lowest === highest) return new Column(lowest, 0, 1, undefined)
  const values = valuesFor(highest - lowest, count)
  for (let i = 0; i < count; i++) values[i] = (from[i] as number) - lowest
  return new Column(lowest, 0, 1, values)
}

function packedTopics(from: Uint32Array, count: number): Column {
  let lowest = NO_TOPIC
  let highest = -1
  let live = 0
  for (let i = 0; i < count; i++) {
    const topicId = from[i] as number
    if (topicId === NO_TOPIC) continue
    live += 1
    if (topicId < lowest) lowest = topicId
    if (topicId > highest) highest = topicId
  }
  if (live === count && lowest === highest) return new Column(lowest, 0, 1, undefined)
  // One value more than there are: it stands for none.
  const values = valuesFor(live === 0 ? 0 : highest - lowest + 1, count)
  const none = highestOf(values)
  for (let i = 0; i < count; i++) values[i] = from[i] === NO_TOPIC ? none : (from[i] as number) - lowest
  return new Column(lowest, 0, 1, values)
}

function packedPlaces(from: Uint32Array, count: number): Column {
  const first = from[0] ?? 0
  const last = from[count - 1] ?? 0
  const step = count < 2 ? 0 : Math.floor((last - first) / (count - 1) / PLACE_UNIT) * PLACE_UNIT
  let lowest = first
  let highest = first
  let odd = 0
  for (let i = 0; i < count; i++) {
    const value = (from[i] as number) - i * step
    if (value < lowest) lowest = value
    if (value > highest) highest = value
    odd |= ((from[i] as number) - first) % PLACE_UNIT
  }
  if (odd !== 0 || (highest - lowest) / PLACE_UNIT > 0xffff) return new Column(0, 0, 1, from.slice(0, count))
  if (lowest === highest) return new Column(lowest, step, 1, undefined)
  const values = valuesFor((highest - lowest) / PLACE_UNIT, count)
  for (let i = 0; i < count; i++) values[i] = ((from[i] as number) - i * step - lowest) / PLACE_UNIT
  return new Column(lowest, step, PLACE_UNIT, values)
}

function valuesFor(highest: number, count: number): Values {
  if (highest <= 0xff) return new Uint8Array(count)
  return highest <= 0xffff ? new Uint16Array(count) : new Uint32Array(count)
}

function highestOf(values: Values): number {
  return 2 ** (8 * values.BYTES_PER_ELEMENT) - 1
}

function noneOf({ values }: Column): number {
  return values === undefined ? -1 : highestOf(values)
}
