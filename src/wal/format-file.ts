/**
 * FORMAT: which store this is and what a reader must understand. Written when the store is made, and when it is raised.
 *
 *   offset  size  1024 bytes, little-endian; two copies, at 0 and at 512
 *        0     4  CRC-32 of bytes 4..511 of this copy, seed 0
 *        4     4  magic "PMQ!"
 *        8     4  format version, 1
 *       12     4  required features: a reader that does not know one of them refuses
 *       16     4  optional features: may be passed over
 *       20     4  reserved, 0
 *       24     8  created, wall ms
 *       32    16  store uuid; every segment names it too
 *       48   464  reserved, 0
 *
 * One damaged copy is passed over; with both gone the store's segments still name the uuid, and the file is made anew.
 *
 * A store of a later version is not opened, in no part. One of an earlier version is raised when its log has been read and
 * before anything is written (log.ts), and whoever opened it is told: the earlier version refuses it from then on. The way
 * back is text: store export, store import.
 */
import * as Effect from "effect/Effect"
import { checksum, makeSlab } from "./checksum.ts"
import { refuse, type StoreRefused } from "./store-error.ts"
import { readFile, replaceFile, type StoreFault, type StoreFs } from "./store-fs.ts"

export const FORMAT_NAME = "FORMAT"
export const STORE_VERSION = 1
const COPY_BYTES = 512
const MAGIC = 0x21514d50
/** None yet. */
const FEATURES_KNOWN = 0

export interface Format {
  readonly storeUuid: string
  readonly version: number
  readonly createdMs: number
  /** Bits that this version does not know. */
  readonly unknownFeatures: number
}

/** "absent" when there is no file, "damaged" when neither copy verifies. */
export const readFormat = (
  fs: StoreFs,
  dataDirectory: string
): Effect.Effect<Format | "absent" | "damaged", StoreFault> =>
  Effect.gen(function* () {
    if (!(yield* fs.list(dataDirectory)).includes(FORMAT_NAME)) return "absent"
    const slab = makeSlab(2 * COPY_BYTES)
    slab.bytes.fill(0)
    ;(yield* readFile(fs, `${dataDirectory}/${FORMAT_NAME}`)).copy(slab.bytes)
    for (const at of [0, COPY_BYTES]) {
      const { bytes } = slab
      if (bytes.readUInt32LE(at + 4) !== MAGIC) continue
      if (bytes.readInt32LE(at) !== checksum(slab, at + 4, at + COPY_BYTES, 0)) continue
      return {
        version: bytes.readUInt32LE(at + 8),
        createdMs: Number(bytes.readBigUInt64LE(at + 24)),
        unknownFeatures: bytes.readUInt32LE(at + 12) & ~FEATURES_KNOWN,
        storeUuid: bytes.toString("hex", at + 32, at + 48)
      }
    }
    return "damaged"
  })

/** [WAL-17] Undefined when this version may read the store; else a refusal that names both versions and the way over. */
export const newerThanUs = ({ unknownFeatures, version }: Format, path: string): StoreRefused | undefined => {
  const what =
    version > STORE_VERSION
      ? `store format ${version}, and this one knows none above ${STORE_VERSION}`
      : `store format ${version} with features that this one does not know`
  return version > STORE_VERSION || unknownFeatures !== 0
    ? refuse("newer-version", path, `a later version wrote it: ${what}`, GO_BACK)
    : undefined
}

export const GO_BACK =
  "start the version that wrote it; to come back to this one: its promptmq store export, then promptmq store import into another folder"

export const writeFormat = (
  fs: StoreFs,
  dataDirectory: string,
  storeUuid: string,
  nowMs: number
): Effect.Effect<void, StoreFault> => {
  const slab = makeSlab(2 * COPY_BYTES)
  const { bytes } = slab
  bytes.fill(0)
  bytes.writeUInt32LE(MAGIC, 4)
  bytes.writeUInt32LE(STORE_VERSION, 8)
  bytes.writeBigUInt64LE(BigInt(nowMs), 24)
  bytes.write(storeUuid, 32, 16, "hex")
  bytes.writeInt32LE(checksum(slab, 4, COPY_BYTES, 0), 0)
  bytes.copy(bytes, COPY_BYTES, 0, COPY_BYTES)
  return replaceFile(fs, dataDirectory, FORMAT_NAME, bytes)
}
