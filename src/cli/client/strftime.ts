/**
 * The `@` sequences of `sub -F`: one letter of strftime(3), in local time and the C locale, plus `@N`, the
 * nanoseconds of the current second (known to the microsecond here).
 *
 * A letter that strftime does not know stays in the output with its percent sign, as glibc does it.
 */
export function strftime(letter: string, wallClockMs: number): string {
  if (letter === "N") return `${String(microseconds(wallClockMs)).padStart(6, "0")}000`
  const render = letters[letter]
  return render === undefined ? `%${letter}` : render(new Date(wallClockMs))
}

/** `2016-08-10T09:47:38+0100`, with `fraction` after the seconds. */
export function isoTime(wallClockMs: number, fraction = ""): string {
  const date = new Date(wallClockMs)
  return `${isoDate(date)}T${clock(date)}${fraction}${zone(date)}`
}

/** Microseconds within the second. */
export function microseconds(wallClockMs: number): number {
  return Math.floor((wallClockMs * 1000) % 1_000_000)
}

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December"
]

const letters: Readonly<Record<string, (date: Date) => string>> = {
  a: (date) => dayName(date).slice(0, 3),
  A: (date) => dayName(date),
  b: (date) => monthName(date).slice(0, 3),
  B: (date) => monthName(date),
  c: (date) => `${shortDate(date)} ${clock(date)} ${date.getFullYear()}`,
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  d: (date) => two(date.getDate()),
  D: (date) => usDate(date),
  e: (date) => spaced(date.getDate()),
  F: (date) => isoDate(date),
  g: (date) => two(isoWeek(date).year % 100),
  G: (date) => String(isoWeek(date).year),
  h: (date) => monthName(date).slice(0, 3),
  H: (date) => two(date.getHours()),
  I: (date) => two(hour12(date)),
  j: (date) => String(dayOfYear(date)).padStart(3, "0"),
  k: (date) => spaced(date.getHours()),
  l: (date) => spaced(hour12(date)),
  m: (date) => two(date.getMonth() + 1),
  M: (date) => two(date.getMinutes()),
  n: () => "\n",
  p: (date) => (date.getHours() < 12 ? "AM" : "PM"),
  P: (date) => (date.getHours() < 12 ? "am" : "pm"),
  r: (date) =>
    `${two(hour12(date))}:${two(date.getMinutes())}:${two(date.getSeconds())} ${date.getHours() < 12 ? "AM" : "PM"}`,
  R: (date) => `${two(date.getHours())}:${two(date.getMinutes())}`,
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => two(date.getSeconds()),
  t: () => "\t",
  T: (date) => clock(date),
  u: (date) => String(date.getDay() === 0 ? 7 : date.getDay()),
  U: (date) => two(Math.floor((dayOfYear(date) + 6 - date.getDay()) / 7)),
  V: (date) => two(isoWeek(date).week),
  w: (date) => String(date.getDay()),
  W: (date) => two(Math.floor((dayOfYear(date) + 6 - ((date.getDay() + 6) % 7)) / 7)),
  x: (date) => usDate(date),
  X: (date) => clock(date),
  y: (date) => two(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: (date) => zone(date),
  Z: (date) => zoneName(date),
  "%": () => "%"
}

function two(value: number): string {
  return String(value).padStart(2, "0")
}

function spaced(value: number): string {
  return String(value).padStart(2, " ")
}

function dayName(date: Date): string {
  return days[date.getDay()] as string
}

function monthName(date: Date): string {
  return months[date.getMonth()] as string
}

function hour12(date: Date): number {
  return date.getHours() % 12 === 0 ? 12 : date.getHours() % 12
}

function isoDate(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function usDate(date: Date): string {
  return `${two(date.getMonth() + 1)}/${two(date.getDate())}/${two(date.getFullYear() % 100)}`
}

function shortDate(date: Date): string {
  return `${dayName(date).slice(0, 3)} ${monthName(date).slice(0, 3)} ${spaced(date.getDate())}`
}

function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const distance = Math.abs(minutes)
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(distance / 60))}${two(distance % 60)}`
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date)
  return parts.find((part) => part.type === "timeZoneName")?.value ?? ""
}

const dayMs = 86_400_000

/** From 1, by calendar date: clock changes do not count. */
function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getFullYear(), 0, 1)
  return Math.round((Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - start) / dayMs) + 1
}

/** ISO 8601: the week belongs to the year of its Thursday. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const fromMonday = (date.getDay() + 6) % 7
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() - fromMonday + 3)
  return { year: thursday.getFullYear(), week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1 }
}
