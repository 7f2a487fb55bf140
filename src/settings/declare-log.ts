/**
 * Settings of `log`: what is logged, in which shape, and where it goes.
 *
 * Without log.file the log goes to stdout, where a service manager or a container takes it. With it the file is turned
 * over by size and by age (telemetry/log-file.ts).
 */
import { choice, duration, integer, size, text } from "./kinds.ts"
import { section } from "./section.ts"

export const logSection = section({
  level: choice({
    flag: "log-level",
    choices: ["trace", "debug", "info", "warn", "error", "fatal", "panic"],
    fallback: "info",
    live: true,
    summary: "Least severe entry that is logged; panic is another word for fatal."
  }),
  format: choice({
    flag: "log-format",
    choices: ["auto", "json", "text", "console"],
    fallback: "auto",
    live: true,
    summary: "Shape of log entries; auto = console on a terminal, else json."
  }),
  file: text({
    fallback: "",
    fallbackWords: "stdout",
    summary: "File for the log instead of stdout; opened again at SIGUSR1 and at a reload."
  }),
  rotateSizeBytes: size({
    fallback: "64MiB",
    minimum: "0B",
    maximum: "64GiB",
    live: true,
    summary: "Turn log.file over before it grows larger than this; 0B = not by size."
  }),
  rotateAgeMs: duration({
    fallback: "0s",
    minimum: "0s",
    maximum: "366d",
    live: true,
    summary: "Turn log.file over when it is older than this; 0s = not by age."
  }),
  rotateKeep: integer({
    fallback: 7,
    minimum: 0,
    maximum: 1000,
    live: true,
    summary: "How many files that were turned over stay, as <file>.1 and so on, the newest first."
  }),
  recentEntries: integer({
    fallback: 2000,
    minimum: 10,
    maximum: 100_000,
    summary: "Newest log entries that are kept in memory for the admin API and the dashboard."
  })
})
