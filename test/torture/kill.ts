/**
 * One run of kill -9 as a test: our clients and MQTT.js, in one sync mode, in a folder of its own; the verdict in words.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { killRun, type RunOptions, type RunReport } from "../../src/cli/torture/kill-run.ts"
import { type Mode, tortured } from "../../src/cli/torture/modes.ts"
import { builtCommand } from "../support/child.ts"
import { MqttJsActor } from "./mqttjs-actor.ts"

export interface KillOrder {
  readonly mode: Mode
  readonly cycles: number
  readonly seed: number
  /** Instead of a temporary folder that is removed. */
  readonly folder?: string
  readonly engine?: "wal" | "memory"
  readonly nodeFlags?: ReadonlyArray<string>
  readonly strike?: RunOptions["strike"]
  readonly onCycle?: (cycle: number) => void
}

export async function killed({ folder, ...order }: KillOrder): Promise<RunReport> {
  const root = folder ?? mkdtempSync(join(tmpdir(), "promptmq-torture-"))
  const guests: Array<MqttJsActor> = []
  try {
    const { engine, mode, nodeFlags, ...rest } = order
    return await killRun({
      ...rest,
      program: tortured({ script: builtCommand, folder: join(root, mode), mode, engine, nodeFlags }),
      more: (books, _streams, dice) => {
        guests.push(new MqttJsActor(books, dice, 4), new MqttJsActor(books, dice, 5))
        return guests
      }
    })
  } finally {
    for (const guest of guests) guest.leave()
    if (folder === undefined) rmSync(root, { recursive: true, force: true })
  }
}

/** For the run's output, and for the failure. */
export function verdictOf({ mode, seed }: KillOrder, { blows, books, cycles, output, tidyStops }: RunReport): string {
  const counts = [...books.counts].map(([kind, count]) => `${count} ${kind}`).join(", ")
  const head = `${mode}, PROMPTMQ_SEED=${seed}: ${cycles} cycles, ${blows} kills, ${tidyStops} stops; ${counts}`
  return [head, ...books.faults, ...(books.faults.length > 0 ? output : [])].join("\n  ")
}
