/**
 * What a disk may hold after a power cut, built from a trace of memory-fs.ts.
 *
 * Of every file: the bytes of its last sync, and on top of them, sector by sector (512 bytes, whole or not at all), any
 * number of the writes that came since, oldest first. Its size: that of the last sync, or any later one. Of every folder:
 * the names of its last sync, and any of the changes that came since, in order or with gaps. Nothing else is certain.
 *
 * One walk through the trace serves many cuts: at() moves forward only.
 */
import type { TraceEntry } from "./memory-fs.ts"
import { Inode } from "./memory-fs.ts"
import type { Random } from "./random.ts"

const SECTOR_BYTES = 512

type FileChange = Extract<TraceEntry, { kind: "write" | "truncate" }> & { readonly index: number }
type NameChange = Extract<TraceEntry, { kind: "create" | "rename" | "unlink" }>

interface Platter {
  readonly durable: Inode
  pending: Array<FileChange>
}

export class CrashImages {
  readonly #trace: ReadonlyArray<TraceEntry>
  readonly #files = new Map<number, Platter>()
  readonly #names = new Map<string, number>()
  #pendingNames: Array<NameChange> = []
  #index = 0
  /** Highest LSN that had been acknowledged by now. */
  acknowledged = 0

  /** `base`: what was on the platter before the trace began, numbered in this order. */
  constructor(trace: ReadonlyArray<TraceEntry>, base: ReadonlyMap<string, Buffer> = new Map()) {
    this.#trace = trace
    let number = 0
    for (const [path, bytes] of base) {
      this.#files.set(number, { durable: new Inode(number, bytes), pending: [] })
      this.#names.set(path, number++)
    }
  }

  /** Moves to the cut after the first `index` entries of the trace. */
  at(index: number): this {
    for (; this.#index < index; this.#index++) this.#apply(this.#trace[this.#index] as TraceEntry, this.#index)
    return this
  }

  build(random: Random): Map<string, Buffer> {
    const names = new Map(this.#names)
    const isOrdered = random.chance(0.5)
    const kept = random.below(this.#pendingNames.length + 1)
    const share = random.pick([0, 0.5, 0.9])
    this.#pendingNames.forEach((change, index) => {
      if (isOrdered ? index < kept : random.chance(share)) applyName(names, change)
    })
    const image = new Map<string, Buffer>()
    for (const [path, number] of names) image.set(path, buildFile(this.#files.get(number) as Platter, random))
    return image
  }

  #apply(entry: TraceEntry, index: number): void {
    switch (entry.kind) {
      case "mark":
        this.acknowledged = Math.max(this.acknowledged, entry.lsn)
        return
      case "create":
        this.#files.set(entry.inode, { durable: new Inode(entry.inode, Buffer.alloc(0)), pending: [] })
        this.#pendingNames.push(entry)
        return
      case "rename":
      case "unlink":
        this.#pendingNames.push(entry)
        return
      case "sync-directory":
        this.#pendingNames = this.#pendingNames.filter((change) => {
          const path = change.kind === "rename" ? change.to : change.path
          if (!path.startsWith(`${entry.path}/`)) return true
          applyName(this.#names, change)
          return false
        })
        return
      case "write":
      case "truncate":
        this.#files.get(entry.inode)?.pending.push({ ...entry, index })
        return
      case "datasync": {
        const platter = this.#files.get(entry.inode)
        if (platter === undefined) return
        for (const change of platter.pending) if (change.index < entry.upTo) applyChange(platter.durable, change)
        platter.pending = platter.pending.filter((change) => change.index >= entry.upTo)
      }
    }
  }
}

function applyName(names: Map<string, number>, change: NameChange): void {
  if (change.kind === "create") names.set(change.path, change.inode)
  else if (change.kind === "unlink") names.delete(change.path)
  else {
    const number = names.get(change.from)
    if (number === undefined) return
    names.delete(change.from)
    names.set(change.to, number)
  }
}

function applyChange(inode: Inode, change: FileChange): void {
  if (change.kind === "write") inode.write(change.position, change.bytes)
  else inode.truncate(change.sizeBytes)
}

interface Piece {
  readonly position: number
  readonly bytes: Buffer
}

function buildFile({ durable, pending }: Platter, random: Random): Buffer {
  if (pending.length === 0) return durable.content()
  const file = new Inode(0, durable.content())
  const sectors = new Map<number, Array<Piece>>()
  for (const change of pending) if (change.kind === "write") cutIntoSectors(change, sectors)
  // Images in which nearly all or nearly nothing arrived are as likely as those in between.
  const share = random.pick([0, 0.1, 0.5, 0.9, 1])
  for (const pieces of sectors.values()) {
    const count = random.chance(share) ? pieces.length : random.below(pieces.length)
    for (const { bytes, position } of pieces.slice(0, count)) file.write(position, bytes)
  }
  const sizes = [file.sizeBytes, durable.sizeBytes]
  for (const change of pending) if (change.kind === "truncate") sizes.push(change.sizeBytes)
  const size = random.pick(sizes)
  if (size < file.sizeBytes) file.truncate(size)
  return file.content()
}

function cutIntoSectors({ bytes, position }: Piece, sectors: Map<number, Array<Piece>>): void {
  for (let at = 0; at < bytes.length; ) {
    const sector = Math.floor((position + at) / SECTOR_BYTES)
    const end = Math.min(bytes.length, (sector + 1) * SECTOR_BYTES - position)
    const pieces = sectors.get(sector)
    const piece = { position: position + at, bytes: bytes.subarray(at, end) }
    if (pieces === undefined) sectors.set(sector, [piece])
    else pieces.push(piece)
    at = end
  }
}
