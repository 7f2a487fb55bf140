/**
 * What the command takes of the library `mqtt`: its client. build.mjs puts this in the library's place, so that the library's own
 * ways to open a stream (SOCKS proxies, mini programs: 0.1 MB) are not bundled: the command opens its streams itself.
 */
import client from "mqtt/lib/client"

export const MqttClient = client.default
