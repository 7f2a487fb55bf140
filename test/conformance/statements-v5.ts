/**
 * The statements of MQTT 5.0 that a test over the wire can judge: id, who must act, what a test observes. The
 * expectations are our own words; the numbered standard text stays the authority. Statements that bind clients
 * alone are not here.
 */
import { statementsOf } from "./support/statements.ts"

export const statementsV5 = statementsOf(`
MQTT-1.5.4-1 both String field with ill-formed UTF-8 or encoded surrogate D800-DFFF: CONNACK or DISCONNECT 0x81 Malformed Packet, close; client API refuses to encode it.
MQTT-1.5.4-2 both Any string holding byte 00 (topic, ClientID, property): CONNACK or DISCONNECT 0x81 Malformed Packet, close; client refuses locally.
MQTT-1.5.4-3 both Topic starting EF BB BF is delivered byte-identical; a filter without those bytes does not match it.
MQTT-1.5.5-1 both Every length and identifier sent uses the shortest encoding; fifth length byte received: 0x81 Malformed Packet, close; over-long forms should be refused likewise.
MQTT-1.5.7-1 both User Property whose name or value is ill-formed UTF-8 or contains U+0000: 0x81 Malformed Packet, close.
MQTT-2.1.3-1 both Wrong reserved flag bits on any packet (e.g. PINGREQ C1): DISCONNECT 0x81 Malformed Packet, close; own packets carry table values.
MQTT-2.2.1-2 both QoS 0 PUBLISH has no identifier field: Property Length follows the topic directly, in both directions.
MQTT-2.2.1-3 both Client's SUBSCRIBE, UNSUBSCRIBE, QoS>0 PUBLISH use distinct non-zero identifiers while outstanding; server receiving identifier 0 closes (0x81 or 0x82).
MQTT-2.2.1-4 server Server QoS>0 PUBLISH identifiers are non-zero and pairwise distinct while unacknowledged; held-back acks never cause reuse.
MQTT-2.2.1-5 both PUBACK, PUBREC, PUBREL, PUBCOMP echo the identifier of their own PUBLISH, also with several flows interleaved.
MQTT-2.2.1-6 server SUBACK and UNSUBACK repeat the identifier of their request, also when several requests are pipelined.
MQTT-2.2.2-1 both Full-form packet without properties ends its header with Property Length 00; CONNECT missing that byte: 0x81 or 0x82, close.
MQTT-3.1.0-1 both First packet is not CONNECT: server closes, sends no DISCONNECT; client library always opens with CONNECT.
MQTT-3.1.0-2 server Second CONNECT on one connection: DISCONNECT 0x82 Protocol Error, close, will published.
MQTT-3.1.2-1 both Wrong protocol name: optional CONNACK 0x84 Unsupported Protocol Version, always close; client writes 00 04 4D 51 54 54.
MQTT-3.1.2-2 server Unsupported version byte (0, 6, 255): optional CONNACK 0x84 Unsupported Protocol Version, always close, no session.
MQTT-3.1.2-3 server CONNECT flags bit 0 set to 1: optional CONNACK 0x81 Malformed Packet, close, no session kept.
MQTT-3.1.2-4 both Reconnect with Clean Start 1: Session Present 0; earlier subscriptions, queue and in-flight messages are gone on both sides.
MQTT-3.1.2-5 server Reconnect with Clean Start 0 inside expiry: Session Present 1, subscriptions live, queued and in-flight QoS>0 messages arrive.
MQTT-3.1.2-6 server Clean Start 0 with unknown ClientID: CONNACK 0x00, Session Present 0, session usable and later resumable.
MQTT-3.1.2-7 server Accepted CONNECT with will, then TCP drop: subscriber receives exactly the given topic, payload and properties.
MQTT-3.1.2-8 server Abnormal close publishes will at earlier of Will Delay or session end; DISCONNECT 0x00 or resume in time suppresses it; 0x04 publishes.
MQTT-3.1.2-9 both Will Flag 1 with Will Properties, Topic or Payload missing: optional CONNACK 0x81 or 0x82, close; client encodes all three.
MQTT-3.1.2-10 server Will is published at most once: none after DISCONNECT 0x00, none repeated after reconnect and clean disconnect.
MQTT-3.1.2-11 both Will Flag 0 with Will QoS 1, 2 or 3: optional CONNACK 0x81 or 0x82, close; client sends 0.
MQTT-3.1.2-12 both Will QoS 0, 1, 2 accepted and respected on delivery; Will QoS 3: optional CONNACK 0x81 Malformed Packet, close.
MQTT-3.1.2-13 both Will Flag 0 with Will Retain 1: optional CONNACK 0x81 or 0x82, close; client sends 0.
MQTT-3.1.2-14 server Will Retain 0: subscriber with Retain As Published 1 sees RETAIN 0; later subscriber gets nothing.
MQTT-3.1.2-15 server Will Retain 1: client subscribing after the will fired receives it with RETAIN 1.
MQTT-3.1.2-16 both User Name Flag 0 but user name bytes follow: optional CONNACK 0x81 or 0x82, close; client omits the field.
MQTT-3.1.2-17 both User Name Flag 1 but payload ends early: optional CONNACK 0x81 or 0x82, close; client writes the field.
MQTT-3.1.2-18 both Password Flag 0 but password bytes follow: optional CONNACK 0x81 or 0x82, close; client omits the field.
MQTT-3.1.2-19 both Password Flag 1 but payload ends early: 0x81 or 0x82, close; password without user name is legal in 5.0.
MQTT-3.1.2-22 server Keep Alive 2, silent client: close at about 3 s, DISCONNECT 0x8D Keep Alive timeout recommended, will fires; Keep Alive 0 stays open.
MQTT-3.1.2-23 both Session Expiry 60, drop, Clean Start 0 reconnect: Session Present 1, subscriptions kept; client keeps its unacknowledged messages too.
MQTT-3.1.2-24 server CONNECT Maximum Packet Size 100: no packet above 100 bytes ever arrives; smaller PUBLISH still delivered.
MQTT-3.1.2-25 server Oversized QoS 1 message is skipped without stalling: Receive Maximum quota unaffected, next message delivered, not retried after reconnect.
MQTT-3.1.2-26 server CONNECT Topic Alias Maximum N: every Topic Alias in server PUBLISH packets lies in 1..N.
MQTT-3.1.2-27 server CONNECT with Topic Alias Maximum 0 or absent: server PUBLISH packets never contain property 0x23.
MQTT-3.1.2-28 server Request Response Information 0 or absent: CONNACK contains no Response Information (0x1A).
MQTT-3.1.2-29 server Request Problem Information 0: failing PUBACK, PUBREC, SUBACK, UNSUBACK carry neither Reason String nor User Property; forwarded PUBLISH keeps them.
MQTT-3.1.3-1 both CONNECT with all fields in order ClientID, Will Properties, Will Topic, Will Payload, User Name, Password is parsed; each value takes effect.
MQTT-3.1.3-2 both Same ClientID resumes the same session; another ClientID never sees its subscriptions or queue.
MQTT-3.1.3-3 both CONNECT whose payload lacks the ClientID field: optional CONNACK 0x81 or 0x82, close.
MQTT-3.1.3-4 both ClientID with ill-formed UTF-8: CONNACK 0x81 Malformed Packet or 0x85 Client Identifier not valid (optional), close.
MQTT-3.1.3-5 server ClientIDs of 1 and 23 characters drawn from 0-9, a-z, A-Z all get CONNACK 0x00.
MQTT-3.1.3-6 server Two simultaneous zero-length ClientID connections both get CONNACK 0x00 and do not take each other over.
MQTT-3.1.3-7 server Zero-length ClientID: CONNACK 0x00 has Assigned Client Identifier (0x12); reconnecting with that value resumes the session.
MQTT-3.1.3-8 server ClientID the server refuses: optional CONNACK 0x85 Client Identifier not valid, always close.
MQTT-3.1.3-9 server Drop, then Clean Start 0 reconnect before Will Delay passes: subscriber never receives the will.
MQTT-3.1.3-10 server Will with repeated User Properties: subscriber receives all pairs in CONNECT order.
MQTT-3.1.3-11 both Will Topic with ill-formed UTF-8 or U+0000: optional CONNACK 0x81 Malformed Packet, close.
MQTT-3.1.3-12 both User Name with ill-formed UTF-8 or U+0000: optional CONNACK 0x81 Malformed Packet, close.
MQTT-3.1.4-1 server Truncated CONNECT, trailing bytes or illegal flags: optional CONNACK 0x81 or 0x82, close, never CONNACK 0x00.
MQTT-3.1.4-2 server Failed credentials: optional CONNACK 0x86 Bad User Name or Password or 0x87 Not authorized, always close.
MQTT-3.1.4-3 server Same ClientID connects again: first connection gets DISCONNECT 0x8E Session taken over and close; second gets CONNACK 0x00.
MQTT-3.1.4-4 server Takeover with Clean Start 1 shows Session Present 0 and empty state; with Clean Start 0 shows 1 and kept state.
MQTT-3.1.4-5 server Well-formed permitted CONNECT is answered by CONNACK 0x00 Success.
MQTT-3.1.4-6 server PUBLISH and SUBSCRIBE pipelined behind a refused CONNECT: no ack, no delivery, no retained message stored.
MQTT-3.2.0-1 server First server packet is CONNACK 0x00 (or AUTH); queued messages on resume come only after it.
MQTT-3.2.0-2 server Never a second CONNACK on one connection, not after re-authentication nor a duplicate CONNECT.
MQTT-3.2.2-1 server First CONNACK header byte is 00 or 01, never any other bit.
MQTT-3.2.2-2 server Clean Start 1 although a session is stored: CONNACK 0x00 with Session Present 0.
MQTT-3.2.2-3 server Clean Start 0: CONNACK 0x00 with Session Present 1 when a session is stored, else 0.
MQTT-3.2.2-6 server Each CONNACK with Reason Code other than 0x00 has flags byte 00.
MQTT-3.2.2-7 server After CONNACK 0x80 or above the socket is closed by the server.
MQTT-3.2.2-8 server Every CONNACK Reason Code seen is one that the standard lists for CONNACK.
MQTT-3.2.2-9 server Server limited to QoS 0 or 1 announces Maximum QoS (0x24) with that value; unrestricted server omits it.
MQTT-3.2.2-10 server Server limited to QoS 1 answers SUBSCRIBE QoS 2 with SUBACK 0x01, no error, no disconnect.
MQTT-3.2.2-11 both Maximum QoS 1: client never publishes QoS 2; server receiving one sends DISCONNECT 0x9B QoS not supported, close.
MQTT-3.2.2-12 server Will QoS above announced maximum: CONNACK 0x9B QoS not supported recommended, close.
MQTT-3.2.2-13 server Will Retain 1 with retain disabled: CONNACK 0x9A Retain not supported recommended, close.
MQTT-3.2.2-14 both Retain Available 0: client never sets RETAIN; server receiving RETAIN 1 sends DISCONNECT 0x9A Retain not supported, close.
MQTT-3.2.2-15 both Server Maximum Packet Size N: client refuses larger packets locally; server receiving one sends DISCONNECT 0x95 Packet too large, close.
MQTT-3.2.2-16 server Zero-length ClientID: CONNACK has a non-empty Assigned Client Identifier, different from every live or stored session's.
MQTT-3.2.2-17 both Client alias stays within CONNACK Topic Alias Maximum; server seeing a larger one: DISCONNECT 0x94 Topic Alias invalid, close.
MQTT-3.2.2-18 both CONNACK without Topic Alias Maximum: client sends no alias; server receiving one: DISCONNECT 0x94 Topic Alias invalid, close.
MQTT-3.2.2-19 server CONNACK drops its Reason String when including it would exceed the client's Maximum Packet Size.
MQTT-3.2.2-20 server CONNACK drops its User Properties when including them would exceed the client's Maximum Packet Size.
MQTT-3.2.2-22 server CONNACK without Server Keep Alive: silence timeout is 1.5 times the client's requested Keep Alive.
MQTT-3.3.1-1 both Unacknowledged QoS>0 PUBLISH resent after session resume has DUP 1, same identifier and payload.
MQTT-3.3.1-2 both QoS 0 PUBLISH always has DUP 0; received DUP 1 with QoS 0: DISCONNECT 0x81 or 0x82 recommended, close.
MQTT-3.3.1-3 server Publisher sends DUP 1: subscriber's first delivery still has DUP 0.
MQTT-3.3.1-4 both PUBLISH with QoS bits 11: DISCONNECT 0x81 Malformed Packet, close; client never emits it.
MQTT-3.3.1-5 server Two RETAIN 1 publishes on one topic: new subscriber gets only the second, at its own QoS, RETAIN 1.
MQTT-3.3.1-6 server RETAIN 1 with empty payload: current subscribers receive it; later subscribers get no retained message.
MQTT-3.3.1-7 server Empty RETAIN 1 publish on a fresh topic: a later subscriber receives nothing.
MQTT-3.3.1-8 server RETAIN 0 publish neither stores nor replaces: later subscriber gets the older retained payload or nothing.
MQTT-3.3.1-9 server Retain Handling 0: matching retained messages sent on each SUBSCRIBE, first or repeated, RETAIN 1.
MQTT-3.3.1-10 server Retain Handling 1: retained messages sent on first SUBSCRIBE, none on repeated identical filter.
MQTT-3.3.1-11 server Retain Handling 2: no stored retained message on SUBSCRIBE; live publishes still arrive.
MQTT-3.3.1-12 server Retain As Published 0: live RETAIN 1 publish is forwarded with RETAIN 0.
MQTT-3.3.1-13 server Retain As Published 1: forwarded RETAIN equals the publisher's bit, tested with 0 and 1.
MQTT-3.3.2-1 both PUBLISH topic is the first header field; ill-formed UTF-8 there: DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.3.2-2 both PUBLISH topic with # or +: DISCONNECT 0x90 Topic Name invalid (0x81/0x82 tolerated), close, no delivery; client refuses locally.
MQTT-3.3.2-3 server Every delivered topic matches the receiver's filter by section 4.7 rules; aliases resolve to it.
MQTT-3.3.2-4 server Payload Format Indicator 0 or 1 reaches live, queued and retained subscribers unchanged.
MQTT-3.3.2-5 server Expiry 1 message queued for an offline session: resume after 2 s brings nothing.
MQTT-3.3.2-6 server Expiry 10 message waiting 3 s (queued or retained) arrives with interval about 7, within 1 s.
MQTT-3.3.2-7 both Alias mapped before reconnect, then empty topic with it: DISCONNECT 0x82 Protocol Error, close; client also forgets mappings.
MQTT-3.3.2-8 both Topic Alias 0: DISCONNECT 0x94 Topic Alias invalid, close; client refuses locally.
MQTT-3.3.2-9 both Client PUBLISH with alias one above announced maximum: DISCONNECT 0x94 Topic Alias invalid, close; library never sends it.
MQTT-3.3.2-11 server Server aliases never exceed CONNECT Topic Alias Maximum; first use of each carries the full topic.
MQTT-3.3.2-12 server Aliases 1 and announced maximum accepted: set with topic, reuse with empty topic, remap; subscriber sees right topics.
MQTT-3.3.2-13 both Response Topic with ill-formed UTF-8: DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.3.2-14 both Response Topic containing # or +: DISCONNECT 0x82 Protocol Error recommended, close; client refuses locally.
MQTT-3.3.2-15 server Response Topic arrives byte-identical at live, queued and retained subscribers.
MQTT-3.3.2-16 server Correlation Data, including zero bytes and empty value, arrives byte-identical at subscribers.
MQTT-3.3.2-17 server All User Properties of a PUBLISH arrive unchanged, duplicates and empty values included.
MQTT-3.3.2-18 server User Properties of a forwarded PUBLISH keep publisher order, also via queue and retained store.
MQTT-3.3.2-19 both Content Type with ill-formed UTF-8: DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.3.2-20 server Content Type arrives byte-identical at live, queued and retained subscribers.
MQTT-3.3.4-1 both QoS 0 PUBLISH gets no reply, QoS 1 gets PUBACK, QoS 2 gets PUBREC with its identifier.
MQTT-3.3.4-2 server Overlapping filters granted 0 and 2, publish QoS 2: a copy arrives at QoS 2.
MQTT-3.3.4-3 server Overlapping subscriptions with identifiers: all those values appear across the delivered PUBLISH packets.
MQTT-3.3.4-4 server When one copy is sent, its 0x0B properties list each matching subscription's identifier, any order.
MQTT-3.3.4-5 server When several copies are sent, each carries its own subscription's identifier only.
MQTT-3.3.4-6 both Client PUBLISH with Subscription Identifier: DISCONNECT 0x82 Protocol Error, close; library never sends it.
MQTT-3.3.4-7 both Client keeps within server Receive Maximum; server seeing one more open QoS>0 PUBLISH: DISCONNECT 0x93 Receive Maximum exceeded, close.
MQTT-3.3.4-9 server Client Receive Maximum N, acks withheld: N QoS>0 PUBLISH arrive; each PUBACK, PUBCOMP or PUBREC>=0x80 releases one.
MQTT-3.3.4-10 server With quota exhausted the server still sends PINGRESP, SUBACK, PUBACK and PUBREL at once.
MQTT-3.4.2-1 both PUBACK code is 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97 or 0x99; never another.
MQTT-3.4.2-2 both PUBACK omits Reason String when it would exceed the receiver's Maximum Packet Size; ack itself still sent.
MQTT-3.4.2-3 both PUBACK omits User Properties when they would exceed the receiver's Maximum Packet Size; ack itself still sent.
MQTT-3.5.2-1 both PUBREC code is 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97 or 0x99; never another.
MQTT-3.5.2-2 both PUBREC omits Reason String when it would exceed the receiver's Maximum Packet Size; packet still sent.
MQTT-3.5.2-3 both PUBREC omits User Properties when they would exceed the receiver's Maximum Packet Size; packet still sent.
MQTT-3.6.1-1 both PUBREL first byte is 62; server receiving 60 sends DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.6.2-1 both PUBREL code is 0x00 or 0x92 Packet Identifier not found.
MQTT-3.6.2-2 both PUBREL omits Reason String when it would exceed the receiver's Maximum Packet Size; packet still sent.
MQTT-3.6.2-3 both PUBREL omits User Properties when they would exceed the receiver's Maximum Packet Size; packet still sent.
MQTT-3.7.2-1 both PUBCOMP code is 0x00, or 0x92 Packet Identifier not found for a PUBREL nobody awaits.
MQTT-3.7.2-2 both PUBCOMP omits Reason String when it would exceed the receiver's Maximum Packet Size; packet still sent.
MQTT-3.7.2-3 both PUBCOMP omits User Properties when they would exceed the receiver's Maximum Packet Size; packet still sent.
MQTT-3.8.1-1 both SUBSCRIBE first byte is 82; server receiving 80 sends DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.8.3-1 both SUBSCRIBE filter with ill-formed UTF-8: DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.8.3-2 both SUBSCRIBE without any filter: DISCONNECT 0x82 Protocol Error (0x81 tolerated), close; client refuses an empty list.
MQTT-3.8.3-3 server No Local 1: publisher does not get its own message back; other clients' messages arrive.
MQTT-3.8.3-4 both No Local 1 on a $share filter: DISCONNECT 0x82 Protocol Error, close; client refuses locally.
MQTT-3.8.3-5 server Subscription options with bit 6 or 7 set: DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.8.4-1 server Each valid SUBSCRIBE is answered by one SUBACK.
MQTT-3.8.4-2 server SUBACK identifier equals that of its SUBSCRIBE, with two requests outstanding.
MQTT-3.8.4-3 server Repeated filter with new QoS, options or Subscription Identifier: one copy per publish, new settings apply.
MQTT-3.8.4-4 server Repeat SUBSCRIBE with Retain Handling 0 re-sends retained; messages published during it all arrive.
MQTT-3.8.4-5 server SUBSCRIBE with three filters behaves like three requests but yields one SUBACK.
MQTT-3.8.4-6 server SUBACK holds exactly as many Reason Codes as the SUBSCRIBE has filters.
MQTT-3.8.4-7 server SUBACK codes are 0x00-0x02 giving granted QoS, or 0x80 and above for failure with no deliveries.
MQTT-3.8.4-8 server Delivered QoS is the lower of published and granted QoS, all nine combinations.
MQTT-3.9.2-1 server SUBACK omits Reason String when it would exceed the client's Maximum Packet Size.
MQTT-3.9.2-2 server SUBACK omits User Properties when they would exceed the client's Maximum Packet Size.
MQTT-3.9.3-1 server SUBACK codes follow filter order: mix allowed, denied and differing QoS filters, compare positions.
MQTT-3.9.3-2 server SUBACK codes come only from 0x00-0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2.
MQTT-3.10.1-1 both UNSUBSCRIBE first byte is A2; server receiving A0 sends DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.10.3-1 both UNSUBSCRIBE filter with ill-formed UTF-8: DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.10.3-2 both UNSUBSCRIBE without any filter: DISCONNECT 0x82 Protocol Error (0x81 tolerated), close; client refuses an empty list.
MQTT-3.10.4-1 server UNSUBSCRIBE a/b leaves a/+ alive; exact text a/+ removes it and deliveries stop.
MQTT-3.10.4-2 server After UNSUBACK no newly published matching message arrives.
MQTT-3.10.4-3 server QoS 1/2 exchange open at UNSUBSCRIBE time still completes: PUBREL comes, PUBCOMP accepted, resume resends it.
MQTT-3.10.4-4 server Each valid UNSUBSCRIBE is answered by one UNSUBACK.
MQTT-3.10.4-5 server UNSUBACK repeats the request identifier; unknown filter gets 0x11 No subscription existed.
MQTT-3.10.4-6 server UNSUBSCRIBE with three filters removes all three and yields one UNSUBACK with three codes.
MQTT-3.11.2-1 server UNSUBACK omits Reason String when it would exceed the client's Maximum Packet Size.
MQTT-3.11.2-2 server UNSUBACK omits User Properties when they would exceed the client's Maximum Packet Size.
MQTT-3.11.3-1 server UNSUBACK codes follow filter order: known, unknown, known gives 00 11 00.
MQTT-3.11.3-2 server UNSUBACK codes come only from 0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91, one per filter.
MQTT-3.12.4-1 server PINGREQ C0 00 is answered by PINGRESP D0 00.
MQTT-3.14.0-1 server Connection failing before CONNACK 0x00 ends with CONNACK 0x80+ or plain close, never DISCONNECT.
MQTT-3.14.1-1 both DISCONNECT with flag bits set (E1): peer answers DISCONNECT 0x81 Malformed Packet, close; server publishes the will.
MQTT-3.14.2-1 both DISCONNECT code is from its table: 0x04 only from client, server-only codes only from server.
MQTT-3.14.2-2 server Server DISCONNECT never contains Session Expiry Interval (0x11).
MQTT-3.14.2-3 both DISCONNECT omits Reason String when it would exceed the receiver's Maximum Packet Size.
MQTT-3.14.2-4 both DISCONNECT omits User Properties when they would exceed the receiver's Maximum Packet Size.
MQTT-3.14.4-1 both After DISCONNECT is sent nothing further is written on that connection by its sender.
MQTT-3.14.4-2 both Sender of DISCONNECT closes the socket itself within a short time.
MQTT-3.14.4-3 server DISCONNECT 0x00: will never published, also with Will Delay or Session Expiry set.
MQTT-3.15.1-1 both AUTH with flag bits set (F1): DISCONNECT 0x81 Malformed Packet, close.
MQTT-3.15.2-1 both AUTH code is 0x00 (server only), 0x18 Continue authentication, or 0x19 Re-authenticate (client only).
MQTT-3.15.2-2 both AUTH omits Reason String when it would exceed the receiver's Maximum Packet Size.
MQTT-3.15.2-3 both AUTH omits User Properties when they would exceed the receiver's Maximum Packet Size.
MQTT-4.1.0-1 both Session Expiry 1 s, connection held open 3 s: subscriptions and open QoS 2 flows still work.
MQTT-4.1.0-2 server Session Expiry 1 s, offline 3 s: Clean Start 0 reconnect shows Session Present 0, no old deliveries.
MQTT-4.2-1 both Connect, publish and receive succeed over plain TCP, and over WebSocket or TLS where offered. Appendix B labels it MQTT-4.2.0-1.
MQTT-4.3.1-1 both QoS 0 PUBLISH first byte is 30 or 31: QoS 0, DUP 0; no acknowledgement follows.
MQTT-4.3.2-1 both Each new QoS 1 message uses an identifier with no open exchange.
MQTT-4.3.2-2 both First transmission of a QoS 1 PUBLISH has QoS 1, DUP 0 and that identifier.
MQTT-4.3.2-3 both QoS 1 PUBLISH without PUBACK is resent on session resume; after PUBACK it is not.
MQTT-4.3.2-4 both QoS 1 PUBLISH received: PUBACK with same identifier, code below 0x80 when accepted, and message delivered.
MQTT-4.3.2-5 both After PUBACK, a PUBLISH with that identifier, even DUP 1, is delivered as another message.
MQTT-4.3.3-1 both Each new QoS 2 message uses an identifier with no open exchange.
MQTT-4.3.3-2 both First transmission of a QoS 2 PUBLISH has QoS 2, DUP 0 and that identifier.
MQTT-4.3.3-3 both QoS 2 PUBLISH without PUBREC is resent with DUP 1 on session resume.
MQTT-4.3.3-4 both PUBREC below 0x80 is answered by PUBREL 62 with same identifier; PUBREC 0x80+ gets no PUBREL.
MQTT-4.3.3-5 both PUBREL without PUBCOMP is resent on session resume.
MQTT-4.3.3-6 both Drop after PUBREL was sent: resume repeats PUBREL only, never the PUBLISH.
MQTT-4.3.3-7 both QoS 2 PUBLISH already sent, then expired while disconnected: resume still resends it and finishes the flow.
MQTT-4.3.3-8 both QoS 2 PUBLISH received: PUBREC with same identifier.
MQTT-4.3.3-9 both After PUBREC 0x80+ the same identifier in a next PUBLISH counts as a fresh message, own PUBREC.
MQTT-4.3.3-10 both QoS 2 PUBLISH repeated before PUBREL: PUBREC again, subscriber sees one copy.
MQTT-4.3.3-11 both PUBREL received: PUBCOMP with same identifier (0x92 when unknown).
MQTT-4.3.3-12 both After PUBCOMP, PUBLISH with that identifier is delivered as another message.
MQTT-4.3.3-13 both QoS 2 message expiring between PUBREC and PUBREL: PUBREL still gets PUBCOMP.
MQTT-4.4.0-1 both Resume resends open PUBLISH (DUP 1) and PUBREL with original identifiers; no retransmission on a live connection.
MQTT-4.4.0-2 both PUBLISH answered by PUBACK or PUBREC 0x80+ is not sent again after resume.
MQTT-4.5.0-1 server QoS 1/2 message published while matching session is offline arrives on resume.
MQTT-4.6.0-5 server Numbered publishes of one client, per topic and QoS, reach each subscriber in sequence, also after resume.
MQTT-4.6.0-6 server Ordering holds on any topic by default for non-shared subscriptions.
MQTT-4.7.0-1 both Wildcard in PUBLISH or Will Topic: rejected with 0x90 Topic Name invalid (0x81/0x82 tolerated), close; accepted in filters.
MQTT-4.7.1-1 both Filters a#, #/a, a/#/b never granted: DISCONNECT or SUBACK 0x8F Topic Filter invalid (0x81/0x82 tolerated); # and a/# work.
MQTT-4.7.1-2 both Filters a+, +a/b never granted: DISCONNECT or SUBACK 0x8F Topic Filter invalid (0x81/0x82 tolerated); +, a/+/b, +/a/# work.
MQTT-4.7.2-1 server Subscribers to # and +/x get nothing published under $SYS/x or $any; $SYS/# does.
MQTT-4.7.3-1 both Empty filter, or empty topic without alias: DISCONNECT 0x82 Protocol Error (0x81/0x8F/0x90 tolerated), close.
MQTT-4.7.3-2 both Topic or filter containing U+0000: DISCONNECT 0x81 Malformed Packet, close.
MQTT-4.7.3-3 both Topic of exactly 65,535 bytes works when packet limits allow; client refuses 65,536 bytes.
MQTT-4.7.3-4 server No normalization: a vs A, /a vs a, a//b vs a/b, composed vs decomposed accents never match.
MQTT-4.8.2-1 both $share//t is refused: SUBACK or DISCONNECT 0x8F Topic Filter invalid (0x81/0x82 tolerated); $share/g/t is granted.
MQTT-4.8.2-2 both $share/g, $share/g/, $share/g+/t, $share/#/t refused with 0x8F Topic Filter invalid (0x81/0x82 tolerated).
MQTT-4.8.2-3 server Group members granted QoS 0 and 2: each receives QoS 2 publishes at no more than its own grant.
MQTT-4.8.2-4 server Group member drops mid QoS 2 delivery: on resume that same member gets the rest of the flow.
MQTT-4.8.2-5 server Member's session ends mid QoS 2 delivery: no other group member receives that message.
MQTT-4.8.2-6 server Member answers PUBACK or PUBREC 0x80+: message discarded, no other member receives it.
MQTT-4.9.0-1 both Peer Receive Maximum 1: one QoS>0 PUBLISH comes at once, a second only after acknowledgement.
MQTT-4.9.0-2 both Unacknowledged QoS>0 PUBLISH count never exceeds peer's Receive Maximum; QoS 0 may still flow.
MQTT-4.9.0-3 both At quota zero, PINGREQ, SUBSCRIBE and incoming PUBLISH are still answered.
MQTT-4.12.0-1 server Unsupported Authentication Method: CONNACK 0x8C Bad authentication method or 0x87 Not authorized (optional), close.
MQTT-4.12.0-2 server Server challenge is AUTH with code 0x18 Continue authentication before CONNACK.
MQTT-4.12.0-4 server Wrong authentication data: optional CONNACK 0x80+ (e.g. 0x87 Not authorized), always close.
MQTT-4.12.0-5 both Every AUTH and the successful CONNACK repeat CONNECT's Authentication Method; differing method: 0x82 Protocol Error, close.
MQTT-4.12.0-6 server CONNECT without method: no AUTH is received and CONNACK lacks property 0x15.
MQTT-4.12.0-7 both AUTH on a connection without method: DISCONNECT 0x82 Protocol Error, close; client never sends it.
MQTT-4.12.1-1 both AUTH 0x19 with original method ends in AUTH 0x00; different method: DISCONNECT 0x82 Protocol Error or 0x8C, close.
MQTT-4.12.1-2 both Failed re-authentication: DISCONNECT such as 0x87 Not authorized recommended, close required.
MQTT-4.13.1-1 server Any malformed packet or protocol error: close; DISCONNECT (CONNACK during CONNECT) 0x81, 0x82 or specific code recommended.
MQTT-4.13.2-1 both CONNACK or DISCONNECT with 0x80+ sent or received: both ends close the socket.
MQTT-6.0.0-1 both WebSocket text frame: connection closed; every MQTT byte is sent in binary frames.
MQTT-6.0.0-2 both CONNECT split over frames and two packets in one frame both parse correctly.
MQTT-6.0.0-4 server Handshake response has Sec-WebSocket-Protocol: mqtt when the client offered it.
`)
