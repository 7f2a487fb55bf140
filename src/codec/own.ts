/**
 * The codec of production: own decoders for everything a client sends, own encoders for all that is answered.
 *
 * Reading a packet: frame.ts finds its end, then one read-*.ts per packet judges it and says what it holds.
 * Writing: write-answers.ts; write-publish.ts and write-acknowledgement.ts are called directly, since they write into the
 * caller's slab; they are no part of the port.
 */
import type { Codec } from "./codec.ts"
import { frameLength, runEnd } from "./frame.ts"
import { readAcknowledgement } from "./read-acknowledgement.ts"
import { decodeConnect } from "./read-connect.ts"
import { checkPing, decodeAuth, decodeDisconnect } from "./read-disconnect.ts"
import { readPublish } from "./read-publish.ts"
import { decodeSubscribe, decodeUnsubscribe } from "./read-subscribe.ts"
import { encodeAuth, encodeConnack, encodeDisconnect, encodeSuback, encodeUnsuback } from "./write-answers.ts"

export const ownCodec: Codec = {
  name: "own",
  frameLength,
  readPublish,
  runEnd,
  readAcknowledgement,
  decodeConnect,
  decodeSubscribe,
  decodeUnsubscribe,
  decodeDisconnect,
  decodeAuth,
  checkPing,
  encodeConnack,
  encodeSuback,
  encodeUnsuback,
  encodeDisconnect,
  encodeAuth
}
