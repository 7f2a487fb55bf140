/**
 * Goal: a full disk stops what would need room and nothing else. QoS 1 and 2 publishes that must be kept are refused with
 * 0x97; acknowledgements, unsubscribes and deletes of retained messages go on; nobody is disconnected; when there is room
 * again everything goes on without a restart. And nothing that was acknowledged is lost.
 * Method: the released command, its data on a small tmpfs that is filled up (root), and with writes that the test lets
 * fail (everybody). Then kill -9, and the books.
 */
import { spawnSync } from "node:child_process"
import { readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { DurableBroker, Folder, persistent } from "../support/durable-broker.ts"
import type { RawClient } from "../support/raw-client.ts"

const QUOTA_EXCEEDED = 0x97
const SUCCESS = 0
const TMPFS_MIB = 48
const PAYLOAD = Buffer.alloc(60_000, "x")
/** More than the disk, its spares and every buffer hold. */
const PUBLISHES_MAX = 4000
const FLAGS = ["--wal-segment-size=4MiB"]

interface SmallDisk {
  fill(broker: DurableBroker): Promise<void>
  empty(broker: DurableBroker): Promise<void>
}

const publishOne = (publisher: RawClient, number: number): Promise<number> =>
  publisher.publish("t", Buffer.concat([Buffer.from(`${number} `), PAYLOAD]), { qos: 1 })

const hasSpares = (folder: string): boolean =>
  readdirSync(join(folder, "log")).filter((name) => /^spare-\d+\.wal$/.test(name)).length === 2

/** To a persistent session that is away, until one is refused; answers how many were acknowledged. */
const publishUntilRefused = async (publisher: RawClient, from: number): Promise<number> => {
  for (let number = from; number < PUBLISHES_MAX; number++) {
    const code = await publishOne(publisher, number)
    if (code === QUOTA_EXCEEDED) return number
    assert.isBelow(code, 0x80)
  }
  throw new Error("the disk never was full")
}

const scene = async (folder: string, disk: SmallDisk): Promise<void> => {
  const acknowledged: Array<number> = []
  await using broker = await DurableBroker.start(folder, FLAGS)
  const away = await broker.join("away", persistent)
  await away.subscribe("t", 1)
  await away.leave()
  const publisher = await broker.join("publisher", persistent)
  await publisher.publish("kept", "value", { qos: 1, retain: true })
  const reader = await broker.join("reader", { ...persistent, properties: { sessionExpiryInterval: 3600 } })
  await reader.subscribe("r", 1)
  await publisher.publish("r", "waits for its PUBACK", { qos: 1 })
  const open = await reader.take("publish")
  await reader.subscribe("left", 1)

  // While the first file of the store still grows, as soon as those that come next are prepared. [WAL-16]
  let sent = 0
  for (; !hasSpares(folder); sent++) assert.isBelow(await publishOne(publisher, sent), 0x80)
  await disk.fill(broker)
  const refused = await publishUntilRefused(publisher, sent)
  for (let number = 0; number < refused; number++) acknowledged.push(number)

  assert.strictEqual(await publisher.publish("t", "two", { qos: 2 }), QUOTA_EXCEEDED)
  reader.send({ cmd: "puback", messageId: open.messageId ?? 0 })
  assert.strictEqual(await reader.unsubscribe("left"), SUCCESS)
  assert.strictEqual(
    await publisher.publish("kept", "", { qos: 1, retain: true }),
    SUCCESS,
    "a retained message is deleted"
  )
  const passing = await broker.join("passing")
  await passing.subscribe("zero", 0)
  await publisher.publish("zero", "QoS 0 flows", { qos: 0 })
  assert.strictEqual(String((await passing.message()).payload), "QoS 0 flows")

  await disk.empty(broker)
  let code = QUOTA_EXCEEDED
  while (code === QUOTA_EXCEEDED) code = await publisher.publish("t", `${refused} again`, { qos: 1 })
  assert.strictEqual(code, SUCCESS, "it goes on without a restart")
  acknowledged.push(refused)
  await broker.kill()

  await using next = await DurableBroker.start(folder, FLAGS)
  const back = await next.dial()
  assert.isTrue((await back.connect("away", persistent)).sessionPresent)
  for (const number of acknowledged) {
    const [found] = String((await back.message()).payload).split(" ", 1)
    assert.strictEqual(Number(found), number, "acknowledged before or after the disk was full")
  }
  const looker = await next.join("looker")
  await looker.subscribe("kept", 1)
  await looker.quiet()
  const again = await next.dial()
  assert.isTrue((await again.connect("reader", persistent)).sessionPresent)
  await next.join("late").then((late) => late.publish("left", "x", { qos: 1 }))
  await again.pending().then((messages) =>
    assert.deepEqual(
      messages.filter(({ topic }) => topic === "left"),
      []
    )
  )
}

describe("a full disk", () => {
  it("refuses what needs room, nothing else, and heals", async () => {
    using folder = new Folder()
    await scene(folder.path, {
      fill: (broker) => broker.disk("full"),
      empty: (broker) => broker.disk("roomy")
    })
  })

  // Skipped without root, because a tmpfs has to be mounted; the test above needs none.
  it.skipIf(!canMount())("that is a real one does the same", async () => {
    using folder = new Folder()
    mount(folder.path)
    try {
      const ballast = join(folder.path, "ballast")
      await scene(folder.path, {
        fill: async () => fillUp(ballast),
        empty: async () => rmSync(ballast)
      })
    } finally {
      spawnSync("umount", [folder.path])
    }
  })
})

function canMount(): boolean {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false
  using folder = new Folder()
  const isMounted = mount(folder.path)
  if (isMounted) spawnSync("umount", [folder.path])
  return isMounted
}

function mount(path: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", `size=${TMPFS_MIB}m`, "tmpfs", path]).status === 0
}

/** What is left over after the last whole MiB stays: a disk is never full to the byte. */
function fillUp(file: string): void {
  const piece = Buffer.alloc(1024 * 1024)
  try {
    for (;;) writeFileSync(file, piece, { flag: "a" })
  } catch {
    // Full: that was wanted.
  }
}
