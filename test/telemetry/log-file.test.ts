/**
 * The log's file: turned over by size, age and count, opened again, and never in the broker's way, whatever the disk does.
 * On a real folder; the failing disk is a door of its own.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { diskLogFs, LogFile, type LogFileFs, type LogFileLimits } from "../../src/telemetry/log-file.ts"

const folder = mkdtempSync(join(tmpdir(), "promptmq-log-file-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const opened = (limits: Partial<LogFileLimits> = {}, fs: LogFileFs = diskLogFs) => {
  const place = join(folder, String(files++))
  const path = join(`${place}.log`)
  const clock = { nowMs: Date.now() }
  const file = new LogFile({
    path,
    limits: () => ({ sizeBytesMax: 0, ageMs: 0, keep: 3, ...limits }),
    wallClockMs: () => clock.nowMs,
    missing: (count, why) => `missing ${count} ${why}\n`,
    fs
  })
  return { file, path, clock, fault: file.open() }
}

const textOf = (path: string): string => readFileSync(path, "utf8")
const names = (path: string): Array<string> =>
  readdirSync(folder)
    .filter((name) => join(folder, name).startsWith(path))
    .map((name) => name.slice(path.length - folder.length - 1))
    .sort()

describe("the log's file", () => {
  it("is appended to, is not for everybody to read, and is no link", () => {
    const { file, path } = opened()
    file.write("one\n")
    file.close()
    const again = new LogFile({
      path,
      limits: () => ({ sizeBytesMax: 0, ageMs: 0, keep: 1 }),
      wallClockMs: Date.now,
      missing: () => ""
    })
    assert.isUndefined(again.open())
    again.write("two\n")
    assert.strictEqual(textOf(path), "one\ntwo\n")
    assert.strictEqual(statSync(path).mode & 0o027, 0)
    symlinkSync(path, `${path}.link`)
    const link = new LogFile({
      path: `${path}.link`,
      limits: () => ({ sizeBytesMax: 0, ageMs: 0, keep: 1 }),
      wallClockMs: Date.now,
      missing: () => ""
    })
    assert.strictEqual(link.open(), "ELOOP")
  })

  it("is turned over by size; the oldest goes", () => {
    const { file, path } = opened({ sizeBytesMax: 10, keep: 2 })
    for (const entry of ["aaaa\n", "bbbb\n", "cccc\n", "dddd\n", "eeee\n", "ffff\n", "gggg\n"]) file.write(entry)
    assert.deepEqual(names(path), ["", ".1", ".2"])
    assert.strictEqual(textOf(path), "gggg\n")
    assert.strictEqual(textOf(`${path}.1`), "eeee\nffff\n")
    assert.strictEqual(textOf(`${path}.2`), "cccc\ndddd\n")
  })

  it("is turned over by age, counted from its first entry", () => {
    const { clock, file, path } = opened({ ageMs: 1000 })
    file.write("a\n")
    clock.nowMs += 900
    file.write("b\n")
    assert.deepEqual(names(path), [""])
    clock.nowMs += 200
    file.write("c\n")
    assert.strictEqual(textOf(path), "c\n")
    assert.strictEqual(textOf(`${path}.1`), "a\nb\n")
  })

  it("with keep 0 is begun anew", () => {
    const { file, path } = opened({ sizeBytesMax: 3, keep: 0 })
    file.write("a\n")
    file.write("b\n")
    assert.deepEqual(names(path), [""])
    assert.strictEqual(textOf(path), "b\n")
  })

  it("that was moved away is opened again when asked", () => {
    const { file, path } = opened()
    file.write("a\n")
    renameSync(path, `${path}.moved`)
    file.write("b\n")
    assert.strictEqual(textOf(`${path}.moved`), "a\nb\n")
    file.reopen()
    file.write("c\n")
    assert.strictEqual(textOf(path), "c\n")
  })

  it("keeps every entry whole, in order, in files that are not larger than they may be", () => {
    const entries = fc.array(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).map((text) => `${text.replaceAll("\n", " ")}\n`),
      {
        maxLength: 60
      }
    )
    fc.assert(
      fc.property(entries, fc.integer({ min: 40, max: 200 }), (written, sizeBytesMax) => {
        const { file, path } = opened({ sizeBytesMax, keep: 1000 })
        for (const entry of written) file.write(entry)
        file.close()
        const all = names(path).sort((left, right) => Number(right.slice(1) || 0) - Number(left.slice(1) || 0))
        assert.strictEqual(all.map((name) => textOf(path + name)).join(""), written.join(""))
        for (const name of all) {
          const { size } = statSync(path + name)
          const first = textOf(path + name).split("\n")[0] ?? ""
          assert.isTrue(size <= sizeBytesMax || size === Buffer.byteLength(`${first}\n`), "LOGFILE-2")
        }
      }),
      { numRuns: 40 }
    )
  })
})

const full = (): NodeJS.ErrnoException => Object.assign(new Error("no space"), { code: "ENOSPC" })

describe("a disk that refuses", () => {
  it("is never in the way; what is missing is told when it takes entries again", () => {
    let isFull = false
    const fs: LogFileFs = {
      ...diskLogFs,
      write: (descriptor, bytes) => {
        if (isFull) throw full()
        return diskLogFs.write(descriptor, bytes)
      }
    }
    const { clock, file, path } = opened({}, fs)
    file.write("a\n")
    isFull = true
    file.write("b\n")
    file.write("c\n")
    assert.strictEqual(file.missing, 2)
    isFull = false
    file.write("d\n")
    assert.strictEqual(file.missing, 3, "not tried again at once")
    clock.nowMs += 1000
    file.write("e\n")
    assert.strictEqual(file.missing, 0)
    assert.strictEqual(textOf(path), "a\nmissing 3 ENOSPC\ne\n")
  })

  it("in the middle of an entry does not glue the next one to it", () => {
    let room = Number.POSITIVE_INFINITY
    const fs: LogFileFs = {
      ...diskLogFs,
      write: (descriptor, bytes) => {
        if (room === 0) throw full()
        const count = diskLogFs.write(descriptor, bytes.subarray(0, Math.min(bytes.length, room)))
        room -= count
        return count
      }
    }
    const { clock, file, path } = opened({}, fs)
    room = 3
    file.write("abcdef\n")
    room = Number.POSITIVE_INFINITY
    clock.nowMs += 1000
    file.write("next\n")
    assert.strictEqual(textOf(path), "abc\nmissing 1 ENOSPC\nnext\n")
  })

  it("while a file is turned over loses nothing that is there", () => {
    const fs: LogFileFs = {
      ...diskLogFs,
      rename: () => {
        throw full()
      }
    }
    const { file, path } = opened({ sizeBytesMax: 4, keep: 1 }, fs)
    file.write("aaa\n")
    file.write("bbb\n")
    assert.strictEqual(textOf(path), "aaa\nbbb\n")
  })

  it("says why at the start", () => {
    const path = join(folder, "missing-folder", "broker.log")
    const file = new LogFile({
      path,
      limits: () => ({ sizeBytesMax: 0, ageMs: 0, keep: 0 }),
      wallClockMs: Date.now,
      missing: () => ""
    })
    assert.strictEqual(file.open(), "ENOENT")
    file.write("into nothing\n")
    assert.isFalse(existsSync(path))
  })
})
