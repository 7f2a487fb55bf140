/**
 * What the chapters of 3.1.1 share. Statement ids of 3.1.1 and 5.0 look alike, so these are cited as
 * `[v3.1.1 MQTT-3.8.3-4]`. A 3.1.1 server has no words for a protocol error: it closes, and that is all.
 */
import { field, twoBytes } from "../support/properties.ts"
import { chapter, type Rule } from "../support/rules.ts"
import type { Stage } from "../support/stage.ts"
import type { MakeUp } from "../support/target.ts"
import { frame } from "../support/write.ts"

type Declare = (ids: string | ReadonlyArray<string>, title: string, test: Rule["test"]) => void

/** A chapter of 3.1.1; ids are written as the standard prints them. */
export const section = (title: string, declare: (rule: Declare) => void): ReadonlyArray<Rule> =>
  chapter(title, 4, (rule) => {
    declare((ids, what, test) =>
      rule(
        [ids].flat().map((id) => `v3.1.1 ${id}`),
        what,
        test
      )
    )
  })

/** A connected client sends these bytes: the connection ends without a word. */
export const closes = (stage: Stage, bytes: Buffer): Promise<void> => stage.refuses(bytes, [])

/** These bytes in place of CONNECT: no CONNACK, only the end. */
export const closesUnanswered = async (stage: Stage, bytes: Buffer, makeUp?: MakeUp): Promise<void> => {
  const peer = await stage.dial(makeUp)
  peer.raw(bytes)
  await peer.ended()
}

/** CONNECT written field by field: flags, then whatever should stand in the payload. */
export const connectWith = (flags: number, ...payload: ReadonlyArray<Buffer>): Buffer =>
  frame(0x10, field("MQTT"), Buffer.from([4, flags]), twoBytes(0), ...payload)

/** Payloads that come to a client before `fence`, which must come; others' messages are passed over. */
export const textsBefore = async (
  client: Awaited<ReturnType<Stage["join"]>>,
  fence: string
): Promise<ReadonlyArray<string>> => {
  const texts: Array<string> = []
  for (let { text } = await client.delivered(); text !== fence; { text } = await client.delivered()) texts.push(text)
  return texts
}
