/**
 * What is told of a message on its way: by message-watch.ts, to traces.ts and spans.ts.
 */
import type { PublishView } from "../codec/publish-view.ts"
import type { MessageSpans } from "./spans.ts"

export type StepKind =
  | "accepted"
  | "refused"
  | "matched"
  | "logged"
  | "committed"
  | "queued"
  | "sent"
  | "acknowledged"
  | "completed"
  | "dropped"
  | "retained"

/** One message, for as long as somebody may ask for it. */
export interface WatchedMessage {
  /** The log's sequence; below 0 while it is in no log. */
  number: number
  readonly topic: string
  readonly qos: number
  readonly publisher: string
  readonly publisherAddress: string | undefined
  readonly span: MessageSpans | undefined
}

export interface WatchedStep {
  readonly step: StepKind
  readonly atMs: number
  readonly message: WatchedMessage
  /** Of the publisher up to "committed", of the receiver from then on. */
  readonly clientIdentifier: string
  readonly address: string | undefined
  readonly publisher: string
  readonly publisherAddress: string | undefined
  /** "" where only a count is known. */
  readonly topic: string
  /** Of the delivery, where the step is one's. */
  readonly qos: number
  /** Of an exchange, 0 elsewhere. */
  readonly packetIdentifier: number
  /** Of an acknowledgement, 0 elsewhere. */
  readonly reasonCode: number
  readonly detail: string
  /** With "accepted" only, and within the call only. */
  readonly view: PublishView | undefined
}

export interface StepListener {
  /** It is about this client; undefined = whatever the client. */
  readonly client: string | undefined
  wantsTopic(topic: string): boolean
  wants(step: WatchedStep): boolean
  take(step: WatchedStep): void
}
