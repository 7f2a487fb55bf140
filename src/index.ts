/**
 * The package's front door: embed the broker. The two libraries (client, queue) get their doors here too.
 */
export {
  Broker,
  BrokerService,
  type EmbeddedBroker,
  type EmbeddedMessage,
  type PublishOptions,
  type StartSettings
} from "./embed.ts"
export type { SettingsInput } from "./settings/settings.ts"
