/**
 * What Mosquitto 2.0.11 fails of MQTT 5.0, and why. It shows that the rules can fail, not that Mosquitto is bad.
 * mosquitto.test.ts holds both ways: what is listed fails, and what fails is listed.
 */
export const failsAtMosquitto: Readonly<Record<string, string>> = {
  "MQTT-1.5.5-1": "Takes a Remaining Length in more bytes than it needs.",
  "MQTT-2.1.3-1": "Does not look at the flags of PINGREQ, PUBACK, PUBREC and PUBCOMP.",
  "MQTT-3.1.0-2": "Publishes no will when a second CONNECT ends the connection.",
  "MQTT-3.1.2-2": "Refuses version 6 with return code 0x01 of 3.1.1, not with 0x84.",
  "MQTT-3.1.2-8": "Waits for the whole Will Delay although the session has ended with its connection.",
  "MQTT-3.1.2-25": "A message too large for the client keeps its place in the window: the next one never comes.",
  "MQTT-3.2.2-15": "Compares Remaining Length, not the packet, with the size it announced.",
  "MQTT-3.3.1-2": "Takes DUP 1 at QoS 0.",
  "MQTT-3.3.2-14": "Takes a Response Topic with wildcards.",
  "MQTT-3.3.4-6": "Takes a Subscription Identifier from a client.",
  "MQTT-3.3.4-7": "Answers what exceeds Receive Maximum with PUBREC 0x97 and goes on.",
  "MQTT-3.3.4-9": "Sends the next message at PUBREC, before PUBCOMP has ended the exchange.",
  "MQTT-3.4.2-1": "Takes Reason Codes in PUBACK that PUBACK does not have.",
  "MQTT-3.5.2-1": "Takes Reason Codes in PUBREC that PUBREC does not have.",
  "MQTT-3.6.2-1": "Takes Reason Codes in PUBREL that PUBREL does not have.",
  "MQTT-3.7.2-1": "Says 0x00 for an identifier that nobody knows, and takes any Reason Code in PUBCOMP.",
  "MQTT-3.8.3-4": "Grants a shared subscription with No Local.",
  "MQTT-3.8.4-3": "Retain As Published of a repeated filter stays as it was.",
  "MQTT-4.3.3-7": "Drops a QoS 2 message that was sent, when it expires before its exchange is over.",
  "MQTT-4.3.3-10": "A QoS 2 PUBLISH that comes a third time before PUBREL ends the connection.",
  "MQTT-4.8.2-1": "Grants $share//t.",
  "MQTT-4.8.2-2": "Grants $share/g and share names with wildcards.",
  "MQTT-4.9.0-2": "As MQTT-3.3.4-9: more exchanges are open than Receive Maximum allows.",
  "MQTT-4.13.1-1": "Passes over several malformed packets, properties out of range and packets that only servers send.",
  "MQTT-6.0.0-1": "Reads a text frame as if it were binary."
}

const noMethod = "Has no authentication method of its own; one would have to be compiled as a plugin."

/** Statements of which no rule can be asked of it. */
export const notOfferedByMosquitto: Readonly<Record<string, string>> = {
  "MQTT-3.1.3-8": "Takes client identifiers of any length.",
  "MQTT-3.15.1-1": noMethod,
  "MQTT-3.15.2-1": noMethod,
  "MQTT-3.15.2-2": noMethod,
  "MQTT-3.15.2-3": noMethod,
  "MQTT-4.12.0-2": noMethod,
  "MQTT-4.12.0-4": noMethod,
  "MQTT-4.12.0-5": noMethod,
  "MQTT-4.12.1-1": noMethod,
  "MQTT-4.12.1-2": noMethod
}
