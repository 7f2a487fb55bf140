/**
 * The statements of MQTT 3.1.1 that a test over the wire can judge: id, who must act, what a test observes. The
 * expectations are our own words; the numbered standard text stays the authority. Statements that bind clients
 * alone are not here. Misprints of the standard are put right: 3-8.3-4, 3.1.2.7, 3.3.1.-1.
 *
 * Ids of 3.1.1 and 5.0 look alike, so these are cited as `[v3.1.1 MQTT-3.8.3-4]`.
 */
import { statementsOf } from "./support/statements.ts"

export const statementsV311 = statementsOf(`
MQTT-1.5.3-1 both String with ill-formed UTF-8 or encoded surrogate: receiver closes the connection, no error packet; client refuses to encode it.
MQTT-1.5.3-2 both Any string containing U+0000: receiver closes the connection.
MQTT-1.5.3-3 both Topic starting EF BB BF is delivered byte-identical; filter without those bytes does not match.
MQTT-2.2.2-1 both Every packet sent has the table's fixed flag bits (PUBREL 62, SUBSCRIBE 82, UNSUBSCRIBE A2, others 0).
MQTT-2.2.2-2 both Packet with wrong reserved flags (e.g. PINGREQ C1): connection closed.
MQTT-2.3.1-1 both SUBSCRIBE, UNSUBSCRIBE, QoS>0 PUBLISH carry a non-zero identifier; identifier 0 received: close.
MQTT-2.3.1-4 server Server QoS>0 PUBLISH identifiers are non-zero, distinct while open, unchanged on resend.
MQTT-2.3.1-5 both QoS 0 PUBLISH has no identifier: payload starts right after the topic.
MQTT-2.3.1-6 both PUBACK, PUBREC, PUBREL repeat the identifier of their PUBLISH, with flows interleaved.
MQTT-2.3.1-7 server SUBACK and UNSUBACK repeat their request's identifier.
MQTT-3.1.0-1 both First packet not CONNECT: server closes without reply; client always opens with CONNECT.
MQTT-3.1.0-2 server Second CONNECT on one connection: server closes it.
MQTT-3.1.2-1 server Protocol name neither MQTT nor MQIsdp: server closes without CONNACK 0x00.
MQTT-3.1.2-2 server Unsupported protocol level (e.g. 7): CONNACK 0x01 Unacceptable protocol version, then close.
MQTT-3.1.2-3 server CONNECT flags bit 0 set: server closes, no CONNACK.
MQTT-3.1.2-4 both CleanSession 0: state survives disconnect, reconnect resumes subscriptions and in-flight; unknown ClientId gets new session.
MQTT-3.1.2-5 server QoS 1 and 2 messages published while CleanSession 0 client is offline arrive on reconnect.
MQTT-3.1.2-6 both CleanSession 1: earlier state dropped at connect, nothing kept after disconnect; next CleanSession 0 connect shows Session Present 0.
MQTT-3.1.2-7 server Retained message survives the end of its publisher's session.
MQTT-3.1.2-8 server TCP drop, keep-alive timeout or protocol error publishes the will; DISCONNECT removes it.
MQTT-3.1.2-9 both Will Flag 1 with will topic or message missing: server closes, no CONNACK; client encodes both.
MQTT-3.1.2-10 server Will published at most once; none after DISCONNECT.
MQTT-3.1.2-11 both Will Flag 0 with Will QoS, Will Retain or will fields present: server closes, no CONNACK.
MQTT-3.1.2-12 server CONNECT without will, then TCP drop: nothing published.
MQTT-3.1.2-13 both Will Flag 0 with Will QoS non-zero: server closes, no CONNACK.
MQTT-3.1.2-14 both Will QoS 0, 1, 2 respected on delivery; Will QoS 3: server closes, no CONNACK.
MQTT-3.1.2-15 both Will Flag 0 with Will Retain 1: server closes, no CONNACK.
MQTT-3.1.2-16 server Will Retain 0: subscriber arriving after the will fired gets nothing.
MQTT-3.1.2-17 server Will Retain 1: subscriber arriving after the will fired gets it with RETAIN 1.
MQTT-3.1.2-18 both User Name Flag 0 but user name bytes follow: server closes; client omits the field.
MQTT-3.1.2-19 both User Name Flag 1 but field missing: server closes; client writes the field.
MQTT-3.1.2-20 both Password Flag 0 but password bytes follow: server closes; client omits the field.
MQTT-3.1.2-21 both Password Flag 1 but field missing: server closes; client writes the field.
MQTT-3.1.2-22 both Password Flag 1 with User Name Flag 0: server closes, no CONNACK; client refuses locally.
MQTT-3.1.2-24 server Keep Alive 2, silent client: close at about 3 s and will fires; any packet resets the timer; 0 disables.
MQTT-3.1.3-1 both CONNECT with all fields in order ClientId, Will Topic, Will Message, User Name, Password parses; each takes effect.
MQTT-3.1.3-2 both Same ClientId resumes same session; another ClientId never sees its state.
MQTT-3.1.3-3 both CONNECT payload without ClientId field: server closes, no CONNACK.
MQTT-3.1.3-4 both ClientId with ill-formed UTF-8: server closes (CONNACK 0x02 tolerated).
MQTT-3.1.3-5 server ClientIds of 1 and 23 characters drawn from 0-9, a-z, A-Z get CONNACK 0x00.
MQTT-3.1.3-6 server Zero-length ClientId with CleanSession 1: CONNACK 0x00; two such clients coexist.
MQTT-3.1.3-8 server Zero-length ClientId with CleanSession 0: CONNACK 0x02 Identifier rejected, then close.
MQTT-3.1.3-9 server ClientId refused by policy: CONNACK 0x02 Identifier rejected, then close.
MQTT-3.1.3-10 both Will Topic with ill-formed UTF-8: server closes, no CONNACK.
MQTT-3.1.3-11 both User Name with ill-formed UTF-8: server closes, no CONNACK.
MQTT-3.1.4-1 server Malformed CONNECT (truncated, trailing bytes, illegal flags): close with no CONNACK at all.
MQTT-3.1.4-2 server Same ClientId connects again: first connection is closed, second gets CONNACK 0x00.
MQTT-3.1.4-3 server Takeover with CleanSession 1 wipes state (Session Present 0); with 0 keeps it (1).
MQTT-3.1.4-4 server Well-formed permitted CONNECT gets CONNACK 20 02 xx 00.
MQTT-3.1.4-5 server Packets pipelined behind a refused CONNECT: no ack, no delivery, no retained message.
MQTT-3.2.0-1 server First server packet is CONNACK; queued messages on resume follow it.
MQTT-3.2.2-1 server CleanSession 1 although a session is stored: CONNACK code 0, Session Present 0.
MQTT-3.2.2-2 server CleanSession 0 with stored session: CONNACK code 0, Session Present 1.
MQTT-3.2.2-3 server CleanSession 0 without stored session: CONNACK code 0, Session Present 0.
MQTT-3.2.2-4 server Each CONNACK with non-zero code has flags byte 00.
MQTT-3.2.2-5 server After CONNACK with codes 0x01-0x05 the server closes the socket.
MQTT-3.2.2-6 server Refusal with no fitting code: plain close, no CONNACK; codes outside 0-5 never appear.
MQTT-3.3.1-1 both Unacknowledged QoS>0 PUBLISH resent after resume has DUP 1.
MQTT-3.3.1-2 both QoS 0 PUBLISH always has DUP 0.
MQTT-3.3.1-3 server Publisher's DUP 1 is not forwarded: subscriber's first delivery has DUP 0.
MQTT-3.3.1-4 both PUBLISH with QoS bits 11: receiver closes; never emitted.
MQTT-3.3.1-5 server RETAIN 1 publish is stored: later subscriber gets payload at its QoS (capped by grant).
MQTT-3.3.1-6 server New subscription brings the last retained message of every matching topic.
MQTT-3.3.1-7 server RETAIN 1 QoS 0 publish replaces earlier retained: old payload never seen again.
MQTT-3.3.1-8 server Message sent because of a new subscription has RETAIN 1.
MQTT-3.3.1-9 server Live publish with RETAIN 1 reaches established subscriptions with RETAIN 0.
MQTT-3.3.1-10 server Empty RETAIN 1 publish: live subscribers get it, retained entry removed, later subscribers get nothing.
MQTT-3.3.1-11 server Empty RETAIN 1 publish on a fresh topic stores nothing for later subscribers.
MQTT-3.3.1-12 server RETAIN 0 publish neither stores nor changes the retained message.
MQTT-3.3.2-1 both PUBLISH topic is first header field; ill-formed UTF-8 there: close.
MQTT-3.3.2-2 both PUBLISH topic with # or +: server closes, no delivery; client refuses locally.
MQTT-3.3.2-3 server Delivered topic matches the subscriber's filter by section 4.7.
MQTT-3.3.4-1 both QoS 0 gets no reply, QoS 1 PUBACK, QoS 2 PUBREC, same identifier.
MQTT-3.3.5-1 server Overlapping filters granted 0 and 2, publish QoS 2: a copy arrives at QoS 2.
MQTT-3.3.5-2 server Unauthorized PUBLISH: normal PUBACK/PUBREC flow without delivery, or connection closed.
MQTT-3.6.1-1 both PUBREL first byte is 62; server receiving 60 closes.
MQTT-3.8.1-1 both SUBSCRIBE first byte is 82; server receiving 80 closes.
MQTT-3.8.3-1 both SUBSCRIBE filter with ill-formed UTF-8: server closes.
MQTT-3.8.3-2 server Server not supporting wildcards answers wildcard filters with SUBACK 0x80; otherwise they are granted.
MQTT-3.8.3-3 both SUBSCRIBE without any filter: server closes; client refuses an empty list.
MQTT-3.8.3-4 server Requested QoS byte 3 or with any upper bit set: server closes. Printed as MQTT-3-8.3-4 in the standard.
MQTT-3.8.4-1 server Each valid SUBSCRIBE gets one SUBACK.
MQTT-3.8.4-2 server SUBACK identifier equals its SUBSCRIBE's, with two outstanding.
MQTT-3.8.4-3 server Repeated filter: new QoS applies, one copy per publish, retained sent again, no live message lost.
MQTT-3.8.4-4 server SUBSCRIBE with three filters acts as three but yields one SUBACK.
MQTT-3.8.4-5 server SUBACK has one code per filter: granted 0x00-0x02 or 0x80 Failure.
MQTT-3.8.4-6 server Delivered QoS is the lower of published and granted, all nine combinations.
MQTT-3.9.3-1 server SUBACK codes follow filter order with mixed outcomes.
MQTT-3.9.3-2 server SUBACK codes are only 0x00, 0x01, 0x02, 0x80.
MQTT-3.10.1-1 both UNSUBSCRIBE first byte is A2; server receiving A0 closes.
MQTT-3.10.3-1 both UNSUBSCRIBE filter with ill-formed UTF-8: server closes.
MQTT-3.10.3-2 both UNSUBSCRIBE without any filter: server closes; client refuses an empty list.
MQTT-3.10.4-1 server UNSUBSCRIBE a/b leaves a/+ alive; exact text a/+ removes it.
MQTT-3.10.4-2 server After UNSUBACK no newly published matching message arrives.
MQTT-3.10.4-3 server QoS 1/2 exchange open at UNSUBSCRIBE time still completes.
MQTT-3.10.4-4 server Each valid UNSUBSCRIBE gets UNSUBACK with its identifier.
MQTT-3.10.4-5 server UNSUBSCRIBE for a never-subscribed filter still gets UNSUBACK.
MQTT-3.10.4-6 server UNSUBSCRIBE with three filters removes all and yields one UNSUBACK.
MQTT-3.12.4-1 server PINGREQ C0 00 is answered by PINGRESP D0 00.
MQTT-3.14.1-1 server DISCONNECT with flag bits set (E1): server closes and publishes the will.
MQTT-3.14.4-3 server DISCONNECT E0 00: will never published.
MQTT-4.1.0-1 both CleanSession 0 state survives reconnects; open QoS 1/2 exchanges continue on both sides.
MQTT-4.1.0-2 both State is never lost while the connection is open, CleanSession 1 included.
MQTT-4.3.1-1 both QoS 0 PUBLISH first byte is 30 or 31; no acknowledgement follows.
MQTT-4.3.2-1 both QoS 1 PUBLISH: unused identifier, DUP 0 first time, resent on resume until PUBACK.
MQTT-4.3.2-2 both QoS 1 received: PUBACK same identifier; later PUBLISH with that identifier, even DUP 1, delivered again.
MQTT-4.3.3-1 both QoS 2 sender: unused identifier, DUP 0, PUBREL after PUBREC, resume repeats PUBREL but never PUBLISH.
MQTT-4.3.3-2 both QoS 2 receiver: repeated PUBLISH before PUBREL gets PUBREC, one delivery; PUBREL gets PUBCOMP; identifier then fresh.
MQTT-4.4.0-1 both CleanSession 0 reconnect: open PUBLISH (DUP 1) and PUBREL resent with original identifiers.
MQTT-4.5.0-1 server QoS 1/2 message published while matching session is offline arrives on resume.
MQTT-4.6.0-5 server Ordering holds on any topic without configuration.
MQTT-4.6.0-6 server Numbered publishes of one client, per topic and QoS, reach each subscriber in sequence; server acks also in order.
MQTT-4.7.1-1 both Wildcard in PUBLISH or Will Topic: server closes; accepted in filters.
MQTT-4.7.1-2 both Filters a#, #/a, a/#/b: server closes (SUBACK 0x80 tolerated); # and a/# work.
MQTT-4.7.1-3 both Filters a+, +a/b: server closes (SUBACK 0x80 tolerated); +, a/+/b, +/a/# work.
MQTT-4.7.2-1 server Subscribers to # and +/x get nothing published under $SYS/x or $any; $SYS/# does.
MQTT-4.7.3-1 both Empty topic or filter: server closes; client refuses locally.
MQTT-4.7.3-2 both Topic or filter containing U+0000: server closes.
MQTT-4.7.3-3 both Topic of 65,535 bytes works when packet limits allow; client refuses 65,536 bytes.
MQTT-4.7.3-4 server No normalization: a vs A, /a vs a, a//b vs a/b, composed vs decomposed accents never match.
MQTT-4.8.0-1 both Any protocol violation (e.g. server-only packet type from client): connection closed, others unaffected.
MQTT-6.0.0-1 both WebSocket text frame: connection closed; own frames are binary.
MQTT-6.0.0-2 both CONNECT split over frames and two packets in one frame both parse.
MQTT-6.0.0-4 server Handshake response selects subprotocol mqtt.
MQTT-7.1.1-1 server Server accepts MQTT over plain TCP (plus TLS or WebSocket where offered).
`).map((statement) => ({ ...statement, id: `v3.1.1 ${statement.id}` }))
