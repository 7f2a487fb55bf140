/**
 * What is wrong with a packet that a client sent.
 *
 * Decoders return a Fault instead of throwing: bad input is a value [style rule 12]. Faults of the hot
 * path are allocated once per cause, never per packet. The reason code is the one a 5.0 client is told
 * in DISCONNECT (or CONNACK while connecting); a 3.x client is only disconnected [MQTT-4.13.1-1].
 */
export class Fault {
  readonly reasonCode: number
  /** One sentence for the log and the Reason String; names the field, never its value. */
  readonly why: string
  constructor(reasonCode: number, why: string) {
    this.reasonCode = reasonCode
    this.why = why
  }
}
