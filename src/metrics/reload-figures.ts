/**
 * How the last reading of the settings ended, and when: promptmq_config_reload_success and
 * promptmq_config_last_reload_timestamp_seconds.
 *
 * Whoever reloads says so; the start counts as the first.
 */
export class ReloadFigures {
  isGood = true
  atMs: number

  constructor(startedAtMs: number) {
    this.atMs = startedAtMs
  }

  /** When a reload fails, the time stays that of the last one that was applied. */
  note(isGood: boolean, nowMs: number): void {
    this.isGood = isGood
    if (isGood) this.atMs = nowMs
  }
}
