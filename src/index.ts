/**
 * The package's front door: embed the broker. The two libraries (client, queue) get their doors here too.
 */

export type {
  ConnectRequest,
  CreateProvider,
  CustomAnswer,
  CustomContext,
  CustomProvider,
  PeerCertificate
} from "./access/custom-types.ts"
export type { AdminError } from "./admin/admin-error.ts"
export { ConfigInvalid } from "./config/config-invalid.ts"
export type { Problem } from "./config/problem.ts"
export { Broker, BrokerService, type BrokerShape, type EmbeddedBroker, type StartOptions } from "./embed/broker.ts"
export { BrokerError, type BrokerErrorReason } from "./embed/broker-error.ts"
export type { Message, PublishOptions, SubscribeOptions } from "./embed/host.ts"
export { ListenError } from "./listener/listen-error.ts"
export type { OpenListener } from "./listener/listeners.ts"
export type { SettingsInput } from "./settings/settings-input.ts"
export type { PidFileError } from "./telemetry/pid-file.ts"
