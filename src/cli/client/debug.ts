/**
 * `-d`: each packet sent and received as one line on stderr, in the words of the standard, with reason
 * codes spelt out. Passwords and payloads are never part of a line.
 */
import type { MqttClient, Packet } from "mqtt"
import { PacketType } from "../../codec/codec.ts"
import { say, type World } from "../world.ts"
import { connackText, reasonText, subackText } from "./reason-text.ts"

export function attachDebug(client: MqttClient, world: World): void {
  client.on("packetsend", (packet) => say(world, `sent      ${packetText(packet)}`))
  client.on("packetreceive", (packet) => say(world, `received  ${packetText(packet)}`))
}

export function packetText(packet: Packet): string {
  const id = packet.messageId === undefined || packet.messageId === 0 ? "" : ` ${packet.messageId}`
  const name = `${packet.cmd.toUpperCase()}${id}`
  switch (packet.cmd) {
    case "connect": {
      const session = packet.clean === false ? "session kept" : "clean start"
      return `${name} id "${packet.clientId}", protocol level ${packet.protocolVersion}, ${session}, keep alive ${packet.keepalive} s`
    }
    case "connack": {
      const assigned = packet.properties?.assignedClientIdentifier
      const session = packet.sessionPresent ? "session present" : "new session"
      const code = packet.reasonCode ?? packet.returnCode ?? 0
      return `${name} ${connackText(code)}, ${session}${assigned === undefined ? "" : `, id "${assigned}"`}`
    }
    case "publish": {
      const flags = `${packet.dup ? ", duplicate" : ""}${packet.retain ? ", retain" : ""}`
      return `${name} ${packet.topic}, QoS ${packet.qos}${flags}, ${packet.payload.length} ${packet.payload.length === 1 ? "byte" : "bytes"}`
    }
    case "puback":
      return `${name} ${reasonText(packet.reasonCode ?? 0, PacketType.puback)}${reasonString(packet.properties)}`
    case "pubrec":
      return `${name} ${reasonText(packet.reasonCode ?? 0, PacketType.pubrec)}${reasonString(packet.properties)}`
    case "subscribe":
      return `${name} ${packet.subscriptions.map((one) => `${one.topic} (QoS ${one.qos})`).join(", ")}`
    case "suback":
      return `${name} ${packet.granted.map((code) => subackText(Number(code))).join(", ")}`
    case "unsubscribe":
      return `${name} ${packet.unsubscriptions.join(", ")}`
    case "disconnect":
      return `${name} ${reasonText(packet.reasonCode ?? 0, PacketType.disconnect)}${reasonString(packet.properties)}`
    default:
      return name
  }
}

function reasonString(properties: { readonly reasonString?: string } | undefined): string {
  return properties?.reasonString === undefined ? "" : `: ${properties.reasonString}`
}
