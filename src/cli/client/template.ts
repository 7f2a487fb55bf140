/**
 * `{{n}}` and `{{time}}` in topics and payloads of `pub --count`: the number of the message from 1, and the
 * moment it is sent (RFC 3339, UTC). Anything else in double braces stays as it is.
 *
 * Payloads without a placeholder pass through as the same bytes: binary content is not touched.
 */
export interface Moment {
  readonly count: number
  readonly wallClockMs: number
}

export type Template = (moment: Moment) => Buffer

export function payloadTemplate(payload: Buffer): Template {
  const text = payload.toString("latin1")
  if (!hasPlaceholder(text)) return () => payload
  return (moment) => Buffer.from(filled(text, moment), "latin1")
}

export function topicTemplate(topic: string): (moment: Moment) => string {
  return hasPlaceholder(topic) ? (moment) => filled(topic, moment) : () => topic
}

const placeholder = /\{\{(n|time)\}\}/g

function hasPlaceholder(text: string): boolean {
  return text.search(placeholder) >= 0
}

function filled(text: string, moment: Moment): string {
  return text.replace(placeholder, (_whole, name: string) =>
    name === "n" ? String(moment.count) : new Date(moment.wallClockMs).toISOString()
  )
}
