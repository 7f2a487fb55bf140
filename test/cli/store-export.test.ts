/**
 * `store export`, `store import` and `store stats`: what a session waits for is the same in the store that imports, which
 * is new or has messages and sessions of its own; and nothing is imported of a file that is not whole.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { encodePublishProperties } from "../../src/codec/build-publish.ts"
import { subscriptionMatches } from "../../src/router/topic-filter.ts"
import {
  encodeCursor,
  encodeGroup,
  encodeSession,
  encodeSubscription,
  writeExchange
} from "../../src/store/control-records.ts"
import type { SavedExchange } from "../../src/store/ports.ts"
import { inspect } from "../../src/store/tools/place.ts"
import { readState } from "../../src/store/tools/read-state.ts"
import { diskFs } from "../../src/wal/disk-fs.ts"
import type { Log } from "../../src/wal/log.ts"
import { RecordType } from "../../src/wal/record.ts"
import {
  appendControl,
  appendMessage,
  contentOf,
  flipInText,
  placeOf,
  segmentFiles,
  temporaryFolder,
  writeStore
} from "../store/tools/make-store.ts"
import { run } from "./recorded-world.ts"

const command = (words: ReadonlyArray<string>) => Effect.promise(() => run(["store", ...words]))

interface SessionSpec {
  readonly client: string
  readonly number: number
  readonly filters: ReadonlyArray<string>
  readonly cursor: number
  readonly open?: ReadonlyArray<SavedExchange>
  readonly received?: ReadonlyArray<number>
  readonly wanted?: ReadonlyArray<{ readonly filter: string; readonly below: number }>
  readonly will?: Buffer
}

function appendSession(
  log: Log,
  { client, cursor, filters, number, open = [], received = [], wanted = [] }: SessionSpec
): void {
  const identity = { clientIdentifier: client, number, epoch: 1, username: "ann", disconnectedAtMs: 1_764_000_000_000 }
  appendControl(
    log,
    RecordType.session,
    number,
    encodeSession({ ...identity, expiryIntervalSeconds: Number.POSITIVE_INFINITY, will: undefined })
  )
  for (const filter of filters) {
    const options = { qos: 2, noLocal: true, retainAsPublished: true, subscriptionIdentifier: 9 }
    const intervals = [{ ...options, from: 2, to: Number.POSITIVE_INFINITY }]
    appendControl(log, RecordType.subscribe, number, encodeSubscription(filter, { intervals, retainedBelow: -1 }))
  }
  const saved = encodeCursor({
    cursor,
    open,
    incoming: received,
    retained: wanted.map((each) => ({ ...each, after: undefined }))
  })
  appendControl(log, RecordType.cursor, number, saved)
}

const exchange = (packetIdentifier: number, state: number, sequence: number): SavedExchange => ({
  packetIdentifier,
  state,
  sequence,
  kind: "ordinary",
  filter: ""
})

const properties = encodePublishProperties({
  contentType: "text/plain",
  correlationData: Buffer.from([0, 255]),
  userProperties: [
    ["b", "1"],
    ["a", "2"]
  ]
})

/**
 * Twenty messages on a/, b/ and c/; m1 waits for those on a/ from 8 on and holds 3 and 8, m2 for b/ from 12 on and got 16 at
 * QoS 2 already, a group for a/ from 16 on. A superseded retained value (3), a cleared one (8) and two that hold (6, 19).
 */
const source = (folder: string) =>
  writeStore(folder, (log) => {
    for (let i = 0; i < 20; i++) {
      const topic = `${"abc"[i % 3]}/${i % 2}`
      const retain = [3, 6, 8, 14, 15, 19].includes(i)
      const payload = i === 14 ? "" : i === 5 ? Buffer.from([0xff, i]) : `line \u2028 ${i}`
      const expiresAtMs = i === 9 ? 1_900_000_000_000 : Number.POSITIVE_INFINITY
      const version = i % 2 === 0 ? 5 : 4
      appendMessage(log, i, topic, payload, {
        qos: 2,
        retain,
        publisher: i === 12 ? 5 : 0,
        version,
        properties,
        expiresAtMs
      })
    }
    appendSession(log, {
      client: "m1",
      number: 4,
      filters: ["a/#"],
      cursor: 8,
      open: [exchange(11, 2, 3), exchange(12, 2, 8)],
      received: [77]
    })
    appendSession(log, { client: "m2", number: 5, filters: ["b/+", "$share/g/a/#"], cursor: 12 })
    const body = Buffer.alloc(100_000)
    const length = writeExchange(body, exchange(1, 2, 16))
    appendControl(log, RecordType.qos2Out, 5, body.subarray(0, length))
    appendControl(log, RecordType.group, 0, encodeGroup("$share/g/a/#", { bornAt: 2, cursor: 16, requeued: [12] }))
    return undefined
  })

/** What each session would get, in order, by the rules of a reader: payload and publisher's options. */
const waitingOf = (folder: string) =>
  Effect.gen(function* () {
    const { state } = yield* readState(diskFs, yield* inspect(diskFs, placeOf(folder)))
    const { out } = yield* command(["dump", "--kind", "message", "--data-dir", folder])
    const messages = out
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line))
    const contentOfMessage = (sequence: number) => {
      const found = messages.find((message) => message.sequence === sequence)
      const {
        durable: _d,
        kind: _k,
        lsn: _l,
        packetIdentifier: _p,
        place: _a,
        publisher: _n,
        sequence: _s,
        time: _t,
        ...rest
      } = found ?? {}
      return rest
    }
    const sessions = state.recovered.sessions.map(({ cursor, handed, session, subscriptions }) => {
      const waits = messages.filter(({ sequence, topic }) => {
        if (sequence < cursor.cursor || handed.has(sequence)) return false
        return [...subscriptions].some(
          ([filter, { intervals }]) =>
            !filter.startsWith("$share/") &&
            subscriptionMatches(filter, topic) &&
            intervals.some(({ from, to }) => from <= sequence && sequence < to)
        )
      })
      const { number: _, epoch: _e, ...identity } = session
      return {
        identity,
        filters: [...subscriptions.keys()],
        options: [...subscriptions.values()].map(({ intervals }) =>
          intervals.map(({ from: _f, to: _t, ...rest }) => rest)
        ),
        waits: waits.map(({ sequence }) => contentOfMessage(sequence)),
        open: cursor.open.map(({ sequence, ...rest }) => ({ ...rest, message: contentOfMessage(sequence) })),
        received: cursor.incoming,
        wanted: cursor.retained
      }
    })
    const groups = [...state.recovered.groups].map(([text, { cursor, requeued }]) => ({
      text,
      waits: messages
        .filter(({ sequence, topic }) => sequence >= cursor && subscriptionMatches(text, topic))
        .map(({ sequence }) => contentOfMessage(sequence)),
      requeued: requeued.map(contentOfMessage)
    }))
    const retained = [...state.retained]
      .filter(([, { isValue }]) => isValue)
      .map(([topic, { sequence }]) => [topic, contentOfMessage(sequence)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    return { sessions, groups, retained }
  })

describe("store export and import", () => {
  it.live("into a new store: every session, group and topic as it was", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [from, to, file] = [join(folder, "from"), join(folder, "to"), join(folder, "state.jsonl")]
      yield* source(from)
      const wanted = yield* waitingOf(from)
      assert.deepEqual(
        wanted.sessions.map(({ waits }) => waits.length),
        [4, 2]
      )
      const exported = yield* command(["export", file, "--data-dir", from])
      assert.strictEqual(exported.code, 0, exported.err)
      assert.match(exported.err, /exported \d+ messages, 3 of them retained, 2 sessions, 1 group\n/)
      assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      const imported = yield* command(["import", file, "--data-dir", to])
      assert.strictEqual(imported.code, 0, imported.err)
      assert.match(imported.out, /to: imported \d+ messages, 2 sessions, 1 group\n/)
      assert.deepEqual(yield* waitingOf(to), wanted)
      assert.strictEqual((yield* command(["verify", "--data-dir", to])).code, 0)

      // And once more: what came out of the copy goes into the next one.
      const again = yield* command(["export", "--data-dir", to])
      const second = join(folder, "second.jsonl")
      writeFileSync(second, again.out)
      yield* command(["import", second, "--data-dir", join(folder, "third")])
      assert.deepEqual(yield* waitingOf(join(folder, "third")), wanted)
    })
  )

  it.live("holds only what somebody waits for, and the end of a value that was waited for", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* source(folder)
      const { out } = yield* command(["export", "--data-dir", folder])
      const lines = out
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line))
      const messages = lines.filter(({ type }) => type === "message")
      // a/ from 8 on, 3 that m1 holds; b/ from 12 on; retained 6, 15, 19. 14 ended the value of c/0 that 8 had set, which m1 holds.
      assert.deepEqual(
        messages.map(({ position }) => position),
        [3, 6, 8, 9, 12, 13, 14, 15, 16, 18, 19]
      )
      assert.deepEqual(
        messages.filter(({ retained }) => retained).map(({ position }) => position),
        [6, 15, 19]
      )
      assert.strictEqual(messages.find(({ position }) => position === 12).publisher, "m2")
      assert.deepEqual(lines.at(-1), { type: "end", messages: 11, sessions: 2, groups: 1 })
    })
  )

  it.live("into a store with messages and sessions of its own: theirs stay theirs", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [from, to, file] = [join(folder, "from"), join(folder, "to"), join(folder, "state.jsonl")]
      yield* source(from)
      yield* command(["export", file, "--data-dir", from])
      yield* writeStore(to, (log) => {
        for (let i = 0; i < 10; i++) appendMessage(log, i, "a/1", `own-${i}`, { retain: i === 9 })
        appendSession(log, { client: "own", number: 1, filters: ["#"], cursor: 6, wanted: [{ filter: "#", below: 6 }] })
        return undefined
      })
      const before = yield* waitingOf(to)
      const source_ = yield* waitingOf(from)
      const { code, err } = yield* command(["import", file, "--data-dir", to])
      assert.strictEqual(code, 0, err)
      const after = yield* waitingOf(to)
      const [own, ...imported] = after.sessions
      assert.deepEqual([own?.waits, own?.wanted], [before.sessions[0]?.waits, before.sessions[0]?.wanted])
      assert.lengthOf(own?.wanted ?? [], 1)
      assert.deepEqual(imported, source_.sessions)
      assert.deepEqual(after.groups, source_.groups)
      // a/1 had a value of its own; the imported one came later.
      assert.deepEqual(after.retained, source_.retained)
      // What is published from now on comes to both.
      yield* writeStore(to, (log) => void appendMessage(log, 500, "a/9", "new"))
      const later = yield* waitingOf(to)
      assert.deepEqual(
        later.sessions.map(({ waits }) => waits.at(-1)?.payload === "new"),
        [true, true, false]
      )
    })
  )

  it.live("a session that is there already: refused, skipped or replaced", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [from, to, file] = [join(folder, "from"), join(folder, "to"), join(folder, "state.jsonl")]
      yield* source(from)
      yield* command(["export", file, "--data-dir", from])
      yield* writeStore(to, (log) => void appendSession(log, { client: "m1", number: 1, filters: ["z"], cursor: 0 }))
      const refused = yield* command(["import", file, "--data-dir", to])
      assert.strictEqual(refused.code, 1)
      assert.match(refused.err, /a session of m1 already\n.*--existing/)
      assert.lengthOf((yield* waitingOf(to)).sessions, 1)
      const skipped = yield* command(["import", file, "--existing", "skip", "--data-dir", to])
      assert.deepEqual([skipped.code, skipped.err], [0, "skipped: session m1\n"])
      const sessions = () => Effect.map(waitingOf(to), (state) => state.sessions.map(({ filters }) => filters))
      assert.deepEqual(yield* sessions(), [["z"], ["b/+", "$share/g/a/#"]])
      const replaced = yield* command(["import", file, "--existing", "replace", "--data-dir", to])
      assert.deepEqual([replaced.code, replaced.err], [0, "replaced: session m1\nreplaced: session m2\n"])
      assert.deepEqual(yield* sessions(), [["a/#"], ["b/+", "$share/g/a/#"]])
    })
  )

  it.live("2 on a file that is not whole or not an export, with the line; nothing is written", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [from, to, file] = [join(folder, "from"), join(folder, "to"), join(folder, "state.jsonl")]
      yield* source(from)
      yield* command(["export", file, "--data-dir", from])
      const lines = readFileSync(file, "utf8").trimEnd().split("\n")
      const first = JSON.parse(lines[1] ?? "")
      const second = JSON.parse(lines[2] ?? "")
      const session = lines.findIndex((line) => line.includes('"session"'))
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [lines.slice(0, -1), /state\.jsonl:\d+: the file ends before its end line/],
        [lines.slice(1), /state\.jsonl:1: it is not the first line of an export/],
        [["{}"], /:1: it is not the first line/],
        [
          [(lines[0] ?? "").replace('"version":1', '"version":9'), ...lines.slice(1)],
          /:1: it is an export of version 9/
        ],
        [[lines[0] ?? "", ...lines.slice(2)], /names 11, 2, 1 messages, sessions, groups, found were 10,2,1/],
        [[...lines, "{}"], /:\d+: something follows the end line/],
        [lines.with(1, "not json"), /:2: it is no JSON/],
        [lines.with(1, JSON.stringify({ ...first, qos: 3 })), /:2: .*qos/],
        [lines.with(1, JSON.stringify({ ...first, topic: "a/#" })), /:2: '#' is a wildcard/],
        [lines.with(1, JSON.stringify({ ...first, payloadBase64: "!" })), /:2: payloadBase64 is no base64/],
        [lines.with(2, JSON.stringify({ ...second, position: 1 })), /:3: its position is not above/],
        [lines.with(session + 1, lines[session] ?? ""), /the session m1 is there twice/],
        [[lines[0] ?? "", lines[session] ?? "", ...lines.slice(1)], /:3: a message stands behind sessions/]
      ]
      for (const [content, says] of wrong) {
        writeFileSync(file, `${content.join("\n")}\n`)
        const { code, err } = yield* command(["import", file, "--data-dir", to])
        assert.strictEqual(code, 2, err)
        assert.match(err, says)
        assert.isFalse(existsSync(to))
      }
      assert.strictEqual((yield* command(["import", join(folder, "nothing"), "--data-dir", to])).code, 6)
    })
  )

  it.live("never overwrites a file, changes nothing in the store, and says when it passed over damage", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const [from, file] = [join(folder, "from"), join(folder, "state.jsonl")]
      yield* source(from)
      flipInText(segmentFiles(from)[0] ?? "", "line \u2028 18")
      const before = contentOf(from)
      const { code, err } = yield* command(["export", file, "--data-dir", from])
      assert.strictEqual(code, 7)
      assert.match(err, /E7001 {2}damaged bytes were passed over; the rest is exported/)
      assert.deepEqual(contentOf(from), before)
      const again = yield* command(["export", file, "--data-dir", from])
      assert.strictEqual(again.code, 1)
      assert.match(again.err, /state\.jsonl: already exists/)
    })
  )
})

describe("store stats", () => {
  it.live("files, topics, sessions, retained values and garbage of a stopped store", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      yield* source(folder)
      const before = contentOf(folder)
      const { code, err, out } = yield* command(["stats", "--data-dir", folder])
      assert.deepEqual([code, err], [0, ""])
      assert.match(out, /^log +1 file, .*\nmessages +20 messages, .*\nwaited for +10 messages, /)
      assert.match(out, /\ngarbage +[\d.]+ K?i?B, \d\d\.\d % of the messages' bytes\n/)
      assert.match(out, /\ntopics: 6\ntopic +messages +size +waited for\n/)
      assert.match(
        out,
        /\nsessions: 2, shared subscriptions: 1\nclient +filters +messages behind.*\nm1 +1 +12 +2 +2025-/
      )
      assert.match(out, /\nretained: 3\ntopic +size\n/)
      const json = JSON.parse((yield* command(["stats", "--json", "--limit", "1", "--data-dir", folder])).out)
      assert.deepInclude(json, {
        version: 1,
        messages: 20,
        liveMessages: 10,
        topicCount: 6,
        sessionCount: 2,
        retainedCount: 3
      })
      assert.lengthOf(json.topics, 1)
      assert.closeTo(json.garbageShare, 1 - json.liveBytes / json.messageBytes, 1e-9)
      assert.deepEqual(contentOf(folder), before)
    })
  )
})
