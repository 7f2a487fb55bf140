/**
 * What a bench hands in: Markdown on standard output while it goes, JSON in .bench/ at the end, and the exit status. The door
 * (main.ts) gathers both of all benches into .bench/report.md and .bench/report.json.
 *
 * A fault is a promise that was missed, or a message lost, repeated or out of order: it fails the bench. A note does not.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { markdownTable } from "./figures.ts"
import { root, saveResult } from "./folders.ts"
import { describeMachine, isBusy, type Machine, machineLine } from "./machine.ts"

export class Report {
  readonly machine: Machine = describeMachine()
  readonly #name: string
  readonly #faults: Array<string> = []
  readonly #notes: Array<string> = []
  readonly #data: Record<string, unknown> = {}

  constructor(name: string) {
    this.#name = name
  }

  say(text: string): void {
    process.stdout.write(`${text}\n`)
  }

  /** On its way: for somebody who waits. */
  progress(text: string): void {
    process.stderr.write(`${text}\n`)
  }

  table(title: string, head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): void {
    this.say(`\n## ${title}\n\n${markdownTable(head, rows)}`)
  }

  /** bench/charts/<name>.svg: committed, and linked from bench/README.md. Not replaced by a run among other work. */
  chart(name: string, svg: string): void {
    const folder = join(root, "bench", "charts")
    const file = join(folder, `${name}.svg`)
    if (isBusy(this.machine) && existsSync(file)) {
      this.note(`bench/charts/${name}.svg was left as it is: the machine was busy`)
      return
    }
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, svg)
    this.say(`\nChart: bench/charts/${name}.svg`)
  }

  data(key: string, value: unknown): void {
    this.#data[key] = value
  }

  fault(text: string): void {
    this.#faults.push(text)
  }

  /** Once each. */
  note(text: string): void {
    if (!this.#notes.includes(text)) this.#notes.push(text)
  }

  finish(): void {
    this.say(`\n${machineLine(this.machine)}.`)
    for (const note of this.#notes) this.say(`- ${note}`)
    for (const fault of this.#faults) this.say(`FAULT ${fault}`)
    saveResult(this.#name, { machine: this.machine, ...this.#data, notes: this.#notes, faults: this.#faults })
    process.exitCode = this.#faults.length === 0 ? 0 : 1
  }
}
