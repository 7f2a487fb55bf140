/**
 * What is wrong with a topic name or filter.
 *
 * Has the shape of codec's Fault, and is assignable to it, but is declared here: the router stands on the
 * codec's floor and does not import it. Reason codes as a 5.0 client is told them; test/router holds
 * this table to the codec's, which is where the codes are at home.
 */
export class TopicFault {
  readonly reasonCode: number
  /** One sentence that ends in the column it is about; names no value. */
  readonly why: string
  constructor(reasonCode: number, why: string) {
    this.reasonCode = reasonCode
    this.why = why
  }
}

export const TopicFaultCode = {
  malformedPacket: 0x81,
  protocolError: 0x82,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90
} as const
