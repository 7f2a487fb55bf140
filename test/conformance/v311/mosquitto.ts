/**
 * What Mosquitto 2.0.11 fails of these rules, and why. mosquitto.test.ts holds both ways: what is listed fails,
 * what fails is listed.
 */
export const failsAtMosquitto: Readonly<Record<string, string>> = {
  "v3.1.1 MQTT-2.2.2-2": "Flags of PINGREQ, PUBACK, PUBREC and PUBCOMP are not looked at.",
  "v3.1.1 MQTT-3.3.1-2": "A QoS 0 PUBLISH with DUP 1 is taken.",
  "v3.1.1 MQTT-4.3.3-2": "A QoS 2 PUBLISH that comes a third time before PUBREL ends the connection.",
  "v3.1.1 MQTT-4.8.0-1":
    "SUBACK, UNSUBACK and PINGRESP from a client are passed over, and so are bytes behind PINGREQ.",
  "v3.1.1 MQTT-6.0.0-1": "A WebSocket text frame is read as if it were binary.",
  "v3.1 2.1-dup": "Flags of PINGREQ are not looked at."
}

/** Statements of which no rule can be asked of it. */
export const notOfferedByMosquitto: Readonly<Record<string, string>> = {
  "v3.1.1 MQTT-3.1.3-9": "It has no limit for client identifiers."
}
