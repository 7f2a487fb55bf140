/**
 * Judges a logged message for one session by the subscription intervals that contain its position: highest
 * effective QoS, RETAIN kept if one asks, all subscription identifiers, No Local per interval.
 *
 * The same rules as on the live path (broker/deliver.ts), applied to what held when the message was
 * published. The verdict is a set of registers, reused.
 */
import type { Subscription } from "../session/subscription.ts"
import type { TopicBitmaps } from "./log-reader.ts"

export class Judgement {
  /** The session's reader has come to the record: its subscriptions wait for one message less. */
  readonly passes: boolean
  /** -1: not for this session. 0: was handed over live, if at all; never sent from the log. */
  qos = -1
  retain = false
  identifiers: ReadonlyArray<number> | undefined = undefined

  constructor(passes: boolean) {
    this.passes = passes
  }
}

export const judge = (
  judgement: Judgement,
  subscriptions: Iterable<Subscription>,
  bitmaps: TopicBitmaps,
  topicId: number,
  sequence: number,
  publisher: number,
  messageQos: number,
  messageRetain: boolean
): void => {
  judgement.qos = -1
  judgement.retain = false
  judgement.identifiers = undefined
  for (const subscription of subscriptions) {
    const { filter, subscriber } = subscription
    const interval = subscription.at(sequence) // a later SUBSCRIBE loses nothing that waits [MQTT-3.8.4-4]
    if (interval === undefined || !bitmaps.matches(filter.id, filter.text, topicId)) continue
    if (judgement.passes && interval.qos > 0 && messageQos > 0) subscription.pass(1)
    if (interval.noLocal && subscriber.number === publisher) continue // [MQTT-3.8.3-3]
    const qos = Math.min(interval.qos, messageQos) // [MQTT-3.8.4-8]
    if (qos > judgement.qos) judgement.qos = qos
    if (messageRetain && interval.retainAsPublished) judgement.retain = true
    if (interval.identifiers !== undefined) {
      judgement.identifiers = [...(judgement.identifiers ?? []), ...interval.identifiers] // [MQTT-3.3.4-4]
    }
  }
}
