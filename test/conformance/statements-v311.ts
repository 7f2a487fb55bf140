/**
 * The statements of MQTT 3.1.1 that a server must be seen to keep on the wire: those whose role is server or
 * both. What each demands is said in our own words; the numbered text of the standard stays the authority.
 *
 * Misprints of the standard are put right: 3-8.3-4, 3.1.2.7, 3.3.1.-1.
 */
export const statementsV311: ReadonlyArray<readonly [id: string, expectation: string]> = [
  [
    "v3.1.1 MQTT-1.5.3-1",
    "String with ill-formed UTF-8 or encoded surrogate: receiver closes the connection, no error packet; client refuses to encode it."
  ],
  ["v3.1.1 MQTT-1.5.3-2", "Any string containing U+0000: receiver closes the connection."],
  [
    "v3.1.1 MQTT-1.5.3-3",
    "Topic starting EF BB BF is delivered byte-identical; filter without those bytes does not match."
  ],
  [
    "v3.1.1 MQTT-2.2.2-1",
    "Every packet sent has the table's fixed flag bits (PUBREL 62, SUBSCRIBE 82, UNSUBSCRIBE A2, others 0)."
  ],
  ["v3.1.1 MQTT-2.2.2-2", "Packet with wrong reserved flags (e.g. PINGREQ C1): connection closed."],
  [
    "v3.1.1 MQTT-2.3.1-1",
    "SUBSCRIBE, UNSUBSCRIBE, QoS>0 PUBLISH carry a non-zero identifier; identifier 0 received: close."
  ],
  ["v3.1.1 MQTT-2.3.1-4", "Server QoS>0 PUBLISH identifiers are non-zero, distinct while open, unchanged on resend."],
  ["v3.1.1 MQTT-2.3.1-5", "QoS 0 PUBLISH has no identifier: payload starts right after the topic."],
  ["v3.1.1 MQTT-2.3.1-6", "PUBACK, PUBREC, PUBREL repeat the identifier of their PUBLISH, with flows interleaved."],
  ["v3.1.1 MQTT-2.3.1-7", "SUBACK and UNSUBACK repeat their request's identifier."],
  ["v3.1.1 MQTT-3.1.0-1", "First packet not CONNECT: server closes without reply; client always opens with CONNECT."],
  ["v3.1.1 MQTT-3.1.0-2", "Second CONNECT on one connection: server closes it."],
  ["v3.1.1 MQTT-3.1.2-1", "Protocol name neither MQTT nor MQIsdp: server closes without CONNACK 0x00."],
  [
    "v3.1.1 MQTT-3.1.2-2",
    "Unsupported protocol level (e.g. 7): CONNACK 0x01 Unacceptable protocol version, then close."
  ],
  ["v3.1.1 MQTT-3.1.2-3", "CONNECT flags bit 0 set: server closes, no CONNACK."],
  [
    "v3.1.1 MQTT-3.1.2-4",
    "CleanSession 0: state survives disconnect, reconnect resumes subscriptions and in-flight; unknown ClientId gets new session."
  ],
  ["v3.1.1 MQTT-3.1.2-5", "QoS 1 and 2 messages published while CleanSession 0 client is offline arrive on reconnect."],
  [
    "v3.1.1 MQTT-3.1.2-6",
    "CleanSession 1: earlier state dropped at connect, nothing kept after disconnect; next CleanSession 0 connect shows Session Present 0."
  ],
  ["v3.1.1 MQTT-3.1.2-7", "Retained message survives the end of its publisher's session."],
  ["v3.1.1 MQTT-3.1.2-8", "TCP drop, keep-alive timeout or protocol error publishes the will; DISCONNECT removes it."],
  [
    "v3.1.1 MQTT-3.1.2-9",
    "Will Flag 1 with will topic or message missing: server closes, no CONNACK; client encodes both."
  ],
  ["v3.1.1 MQTT-3.1.2-10", "Will published at most once; none after DISCONNECT."],
  ["v3.1.1 MQTT-3.1.2-11", "Will Flag 0 with Will QoS, Will Retain or will fields present: server closes, no CONNACK."],
  ["v3.1.1 MQTT-3.1.2-12", "CONNECT without will, then TCP drop: nothing published."],
  ["v3.1.1 MQTT-3.1.2-13", "Will Flag 0 with Will QoS non-zero: server closes, no CONNACK."],
  ["v3.1.1 MQTT-3.1.2-14", "Will QoS 0, 1, 2 respected on delivery; Will QoS 3: server closes, no CONNACK."],
  ["v3.1.1 MQTT-3.1.2-15", "Will Flag 0 with Will Retain 1: server closes, no CONNACK."],
  ["v3.1.1 MQTT-3.1.2-16", "Will Retain 0: subscriber arriving after the will fired gets nothing."],
  ["v3.1.1 MQTT-3.1.2-17", "Will Retain 1: subscriber arriving after the will fired gets it with RETAIN 1."],
  ["v3.1.1 MQTT-3.1.2-18", "User Name Flag 0 but user name bytes follow: server closes; client omits the field."],
  ["v3.1.1 MQTT-3.1.2-19", "User Name Flag 1 but field missing: server closes; client writes the field."],
  ["v3.1.1 MQTT-3.1.2-20", "Password Flag 0 but password bytes follow: server closes; client omits the field."],
  ["v3.1.1 MQTT-3.1.2-21", "Password Flag 1 but field missing: server closes; client writes the field."],
  ["v3.1.1 MQTT-3.1.2-22", "Password Flag 1 with User Name Flag 0: server closes, no CONNACK; client refuses locally."],
  [
    "v3.1.1 MQTT-3.1.2-24",
    "Keep Alive 2, silent client: close at about 3 s and will fires; any packet resets the timer; 0 disables."
  ],
  [
    "v3.1.1 MQTT-3.1.3-1",
    "CONNECT with all fields in order ClientId, Will Topic, Will Message, User Name, Password parses; each takes effect."
  ],
  ["v3.1.1 MQTT-3.1.3-2", "Same ClientId resumes same session; another ClientId never sees its state."],
  ["v3.1.1 MQTT-3.1.3-3", "CONNECT payload without ClientId field: server closes, no CONNACK."],
  ["v3.1.1 MQTT-3.1.3-4", "ClientId with ill-formed UTF-8: server closes (CONNACK 0x02 tolerated)."],
  ["v3.1.1 MQTT-3.1.3-5", "ClientIds of 1 and 23 characters drawn from 0-9, a-z, A-Z get CONNACK 0x00."],
  ["v3.1.1 MQTT-3.1.3-6", "Zero-length ClientId with CleanSession 1: CONNACK 0x00; two such clients coexist."],
  ["v3.1.1 MQTT-3.1.3-8", "Zero-length ClientId with CleanSession 0: CONNACK 0x02 Identifier rejected, then close."],
  ["v3.1.1 MQTT-3.1.3-9", "ClientId refused by policy: CONNACK 0x02 Identifier rejected, then close."],
  ["v3.1.1 MQTT-3.1.3-10", "Will Topic with ill-formed UTF-8: server closes, no CONNACK."],
  ["v3.1.1 MQTT-3.1.3-11", "User Name with ill-formed UTF-8: server closes, no CONNACK."],
  [
    "v3.1.1 MQTT-3.1.4-1",
    "Malformed CONNECT (truncated, trailing bytes, illegal flags): close with no CONNACK at all."
  ],
  ["v3.1.1 MQTT-3.1.4-2", "Same ClientId connects again: first connection is closed, second gets CONNACK 0x00."],
  ["v3.1.1 MQTT-3.1.4-3", "Takeover with CleanSession 1 wipes state (Session Present 0); with 0 keeps it (1)."],
  ["v3.1.1 MQTT-3.1.4-4", "Well-formed permitted CONNECT gets CONNACK 20 02 xx 00."],
  ["v3.1.1 MQTT-3.1.4-5", "Packets pipelined behind a refused CONNECT: no ack, no delivery, no retained message."],
  ["v3.1.1 MQTT-3.2.0-1", "First server packet is CONNACK; queued messages on resume follow it."],
  ["v3.1.1 MQTT-3.2.2-1", "CleanSession 1 although a session is stored: CONNACK code 0, Session Present 0."],
  ["v3.1.1 MQTT-3.2.2-2", "CleanSession 0 with stored session: CONNACK code 0, Session Present 1."],
  ["v3.1.1 MQTT-3.2.2-3", "CleanSession 0 without stored session: CONNACK code 0, Session Present 0."],
  ["v3.1.1 MQTT-3.2.2-4", "Each CONNACK with non-zero code has flags byte 00."],
  ["v3.1.1 MQTT-3.2.2-5", "After CONNACK with codes 0x01-0x05 the server closes the socket."],
  ["v3.1.1 MQTT-3.2.2-6", "Refusal with no fitting code: plain close, no CONNACK; codes outside 0-5 never appear."],
  ["v3.1.1 MQTT-3.3.1-1", "Unacknowledged QoS>0 PUBLISH resent after resume has DUP 1."],
  ["v3.1.1 MQTT-3.3.1-2", "QoS 0 PUBLISH always has DUP 0."],
  ["v3.1.1 MQTT-3.3.1-3", "Publisher's DUP 1 is not forwarded: subscriber's first delivery has DUP 0."],
  ["v3.1.1 MQTT-3.3.1-4", "PUBLISH with QoS bits 11: receiver closes; never emitted."],
  ["v3.1.1 MQTT-3.3.1-5", "RETAIN 1 publish is stored: later subscriber gets payload at its QoS (capped by grant)."],
  ["v3.1.1 MQTT-3.3.1-6", "New subscription brings the last retained message of every matching topic."],
  ["v3.1.1 MQTT-3.3.1-7", "RETAIN 1 QoS 0 publish replaces earlier retained: old payload never seen again."],
  ["v3.1.1 MQTT-3.3.1-8", "Message sent because of a new subscription has RETAIN 1."],
  ["v3.1.1 MQTT-3.3.1-9", "Live publish with RETAIN 1 reaches established subscriptions with RETAIN 0."],
  [
    "v3.1.1 MQTT-3.3.1-10",
    "Empty RETAIN 1 publish: live subscribers get it, retained entry removed, later subscribers get nothing."
  ],
  ["v3.1.1 MQTT-3.3.1-11", "Empty RETAIN 1 publish on a fresh topic stores nothing for later subscribers."],
  ["v3.1.1 MQTT-3.3.1-12", "RETAIN 0 publish neither stores nor changes the retained message."],
  ["v3.1.1 MQTT-3.3.2-1", "PUBLISH topic is first header field; ill-formed UTF-8 there: close."],
  ["v3.1.1 MQTT-3.3.2-2", "PUBLISH topic with # or +: server closes, no delivery; client refuses locally."],
  ["v3.1.1 MQTT-3.3.2-3", "Delivered topic matches the subscriber's filter by section 4.7."],
  ["v3.1.1 MQTT-3.3.4-1", "QoS 0 gets no reply, QoS 1 PUBACK, QoS 2 PUBREC, same identifier."],
  ["v3.1.1 MQTT-3.3.5-1", "Overlapping filters granted 0 and 2, publish QoS 2: a copy arrives at QoS 2."],
  ["v3.1.1 MQTT-3.3.5-2", "Unauthorized PUBLISH: normal PUBACK/PUBREC flow without delivery, or connection closed."],
  ["v3.1.1 MQTT-3.6.1-1", "PUBREL first byte is 62; server receiving 60 closes."],
  ["v3.1.1 MQTT-3.8.1-1", "SUBSCRIBE first byte is 82; server receiving 80 closes."],
  ["v3.1.1 MQTT-3.8.3-1", "SUBSCRIBE filter with ill-formed UTF-8: server closes."],
  [
    "v3.1.1 MQTT-3.8.3-2",
    "Server not supporting wildcards answers wildcard filters with SUBACK 0x80; otherwise they are granted."
  ],
  ["v3.1.1 MQTT-3.8.3-3", "SUBSCRIBE without any filter: server closes; client refuses an empty list."],
  [
    "v3.1.1 MQTT-3.8.3-4",
    "Requested QoS byte 3 or with any upper bit set: server closes. Printed as MQTT-3-8.3-4 in the standard."
  ],
  ["v3.1.1 MQTT-3.8.4-1", "Each valid SUBSCRIBE gets one SUBACK."],
  ["v3.1.1 MQTT-3.8.4-2", "SUBACK identifier equals its SUBSCRIBE's, with two outstanding."],
  [
    "v3.1.1 MQTT-3.8.4-3",
    "Repeated filter: new QoS applies, one copy per publish, retained sent again, no live message lost."
  ],
  ["v3.1.1 MQTT-3.8.4-4", "SUBSCRIBE with three filters acts as three but yields one SUBACK."],
  ["v3.1.1 MQTT-3.8.4-5", "SUBACK has one code per filter: granted 0x00-0x02 or 0x80 Failure."],
  ["v3.1.1 MQTT-3.8.4-6", "Delivered QoS is the lower of published and granted, all nine combinations."],
  ["v3.1.1 MQTT-3.9.3-1", "SUBACK codes follow filter order with mixed outcomes."],
  ["v3.1.1 MQTT-3.9.3-2", "SUBACK codes are only 0x00, 0x01, 0x02, 0x80."],
  ["v3.1.1 MQTT-3.10.1-1", "UNSUBSCRIBE first byte is A2; server receiving A0 closes."],
  ["v3.1.1 MQTT-3.10.3-1", "UNSUBSCRIBE filter with ill-formed UTF-8: server closes."],
  ["v3.1.1 MQTT-3.10.3-2", "UNSUBSCRIBE without any filter: server closes; client refuses an empty list."],
  ["v3.1.1 MQTT-3.10.4-1", "UNSUBSCRIBE a/b leaves a/+ alive; exact text a/+ removes it."],
  ["v3.1.1 MQTT-3.10.4-2", "After UNSUBACK no newly published matching message arrives."],
  ["v3.1.1 MQTT-3.10.4-3", "QoS 1/2 exchange open at UNSUBSCRIBE time still completes."],
  ["v3.1.1 MQTT-3.10.4-4", "Each valid UNSUBSCRIBE gets UNSUBACK with its identifier."],
  ["v3.1.1 MQTT-3.10.4-5", "UNSUBSCRIBE for a never-subscribed filter still gets UNSUBACK."],
  ["v3.1.1 MQTT-3.10.4-6", "UNSUBSCRIBE with three filters removes all and yields one UNSUBACK."],
  ["v3.1.1 MQTT-3.12.4-1", "PINGREQ C0 00 is answered by PINGRESP D0 00."],
  ["v3.1.1 MQTT-3.14.1-1", "DISCONNECT with flag bits set (E1): server closes and publishes the will."],
  ["v3.1.1 MQTT-3.14.4-3", "DISCONNECT E0 00: will never published."],
  ["v3.1.1 MQTT-4.1.0-1", "CleanSession 0 state survives reconnects; open QoS 1/2 exchanges continue on both sides."],
  ["v3.1.1 MQTT-4.1.0-2", "State is never lost while the connection is open, CleanSession 1 included."],
  ["v3.1.1 MQTT-4.3.1-1", "QoS 0 PUBLISH first byte is 30 or 31; no acknowledgement follows."],
  ["v3.1.1 MQTT-4.3.2-1", "QoS 1 PUBLISH: unused identifier, DUP 0 first time, resent on resume until PUBACK."],
  [
    "v3.1.1 MQTT-4.3.2-2",
    "QoS 1 received: PUBACK same identifier; later PUBLISH with that identifier, even DUP 1, delivered again."
  ],
  [
    "v3.1.1 MQTT-4.3.3-1",
    "QoS 2 sender: unused identifier, DUP 0, PUBREL after PUBREC, resume repeats PUBREL but never PUBLISH."
  ],
  [
    "v3.1.1 MQTT-4.3.3-2",
    "QoS 2 receiver: repeated PUBLISH before PUBREL gets PUBREC, one delivery; PUBREL gets PUBCOMP; identifier then fresh."
  ],
  [
    "v3.1.1 MQTT-4.4.0-1",
    "CleanSession 0 reconnect: open PUBLISH (DUP 1) and PUBREL resent with original identifiers."
  ],
  ["v3.1.1 MQTT-4.5.0-1", "QoS 1/2 message published while matching session is offline arrives on resume."],
  ["v3.1.1 MQTT-4.6.0-5", "Ordering holds on any topic without configuration."],
  [
    "v3.1.1 MQTT-4.6.0-6",
    "Numbered publishes of one client, per topic and QoS, reach each subscriber in sequence; server acks also in order."
  ],
  ["v3.1.1 MQTT-4.7.1-1", "Wildcard in PUBLISH or Will Topic: server closes; accepted in filters."],
  ["v3.1.1 MQTT-4.7.1-2", "Filters a#, #/a, a/#/b: server closes (SUBACK 0x80 tolerated); # and a/# work."],
  ["v3.1.1 MQTT-4.7.1-3", "Filters a+, +a/b: server closes (SUBACK 0x80 tolerated); +, a/+/b, +/a/# work."],
  ["v3.1.1 MQTT-4.7.2-1", "Subscribers to # and +/x get nothing published under $SYS/x or $any; $SYS/# does."],
  ["v3.1.1 MQTT-4.7.3-1", "Empty topic or filter: server closes; client refuses locally."],
  ["v3.1.1 MQTT-4.7.3-2", "Topic or filter containing U+0000: server closes."],
  ["v3.1.1 MQTT-4.7.3-3", "Topic of 65,535 bytes works when packet limits allow; client refuses 65,536 bytes."],
  [
    "v3.1.1 MQTT-4.7.3-4",
    "No normalization: a vs A, /a vs a, a//b vs a/b, composed vs decomposed accents never match."
  ],
  [
    "v3.1.1 MQTT-4.8.0-1",
    "Any protocol violation (e.g. server-only packet type from client): connection closed, others unaffected."
  ],
  ["v3.1.1 MQTT-6.0.0-1", "WebSocket text frame: connection closed; own frames are binary."],
  ["v3.1.1 MQTT-6.0.0-2", "CONNECT split over frames and two packets in one frame both parse."],
  ["v3.1.1 MQTT-6.0.0-4", "Handshake response selects subprotocol mqtt."],
  ["v3.1.1 MQTT-7.1.1-1", "Server accepts MQTT over plain TCP (plus TLS or WebSocket where offered)."]
]
