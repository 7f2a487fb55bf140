/**
 * What a broker answered, as text for people, and which exit code it means. The names come from the
 * codec's tables; here is only the difference between MQTT 3.x (return codes 1-5, SUBACK 0x80) and 5.
 */
import { PacketType } from "../../codec/codec.ts"
import { ReasonCode, ReturnCode, reasonCodeName } from "../../codec/reason-codes.ts"
import { type ExitCode, exitCodes } from "../exit-codes.ts"

/** `0x87 not authorized`; 0 is simply `success`. */
export function reasonText(code: number, packetType?: number): string {
  const name = reasonCodeName(code, packetType)
  const lowered = /^[A-Z][a-z]/.test(name) && !name.startsWith("QoS") ? name[0]?.toLowerCase() + name.slice(1) : name
  return code === 0 ? lowered : `0x${code.toString(16).padStart(2, "0")} ${lowered}`
}

const returnCodeNames: Readonly<Record<number, string>> = {
  [ReturnCode.unacceptableProtocolVersion]: "unacceptable protocol version",
  [ReturnCode.identifierRejected]: "client identifier rejected",
  [ReturnCode.serverUnavailable]: "server unavailable",
  [ReturnCode.badUserNameOrPassword]: "bad user name or password",
  [ReturnCode.notAuthorized]: "not authorized"
}

/** The code of a CONNACK as text: below 0x80 it is a return code of MQTT 3.x. */
export function connackText(code: number): string {
  if (code === 0) return "accepted"
  const name = returnCodeNames[code]
  return name === undefined ? reasonText(code, PacketType.connack) : `${code} ${name}`
}

/** The name of a granted QoS or refusal in a SUBACK. */
export function subackText(code: number): string {
  return code < 0x80 ? `granted QoS ${code}` : `refused, ${reasonText(code, PacketType.suback)}`
}

const credentials: ReadonlyArray<number> = [
  ReturnCode.badUserNameOrPassword,
  ReturnCode.notAuthorized,
  ReasonCode.badUserNameOrPassword,
  ReasonCode.notAuthorized,
  ReasonCode.banned,
  ReasonCode.badAuthenticationMethod
]

const unavailable: ReadonlyArray<number> = [
  ReturnCode.serverUnavailable,
  ReasonCode.serverUnavailable,
  ReasonCode.serverBusy,
  ReasonCode.serverShuttingDown,
  ReasonCode.useAnotherServer,
  ReasonCode.serverMoved,
  ReasonCode.connectionRateExceeded
]

/** Refused, not available, or a failure of another kind. */
export function exitCodeOfReason(code: number): ExitCode {
  if (credentials.includes(code)) return exitCodes.refused
  return unavailable.includes(code) ? exitCodes.unreachable : exitCodes.failed
}

/** MQTT 3.x knows one failure only, and brokers use it for topics the client may not read. */
export function exitCodeOfSuback(code: number): ExitCode {
  return code === ReasonCode.unspecifiedError ? exitCodes.refused : exitCodeOfReason(code)
}

/** The row of the error table that a failed client command shows. */
export function errorCodeOf(exitCode: ExitCode): string {
  if (exitCode === exitCodes.unreachable) return "E4001"
  return exitCode === exitCodes.refused ? "E5001" : "E1001"
}
