/**
 * The table of providers: a name in `auth.chain`, and the file that makes the provider from settings. The only place that
 * knows them all; a new one is a row here, a name in settings/declare-auth.ts, and a case of test/contract/provider.ts.
 *
 * Invariant: a provider's code, and the library behind it, is loaded when the chain names it, never before.
 */
import type { ProviderName } from "../settings/declare-auth.ts"
import type { MakeProvider } from "./providers.ts"

/** Each entry is a lazy import of a file that exports `makeProvider: MakeProvider`. */
export const providers: Readonly<Record<ProviderName, () => Promise<MakeProvider>>> = {
  psk: async () => (await import("./psk-provider.ts")).makeProvider,
  x509: async () => (await import("./x509-provider.ts")).makeProvider,
  jwt: async () => (await import("./jwt-provider.ts")).makeProvider,
  "password-file": async () => (await import("./password-file-provider.ts")).makeProvider,
  "user-database": async () => (await import("./user-database-provider.ts")).makeProvider,
  ldap: async () => (await import("./ldap-provider.ts")).makeProvider,
  http: async () => (await import("./http-provider.ts")).makeProvider,
  custom: async () => (await import("./custom-provider.ts")).makeProvider
}
