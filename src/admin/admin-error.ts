/**
 * Why the admin listener could not be opened because of its token; a port that cannot be had is a
 * ListenError (listener/listen-error.ts). The message has the house's shape: code, place, fact, fix.
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { type TokenFileFailureName, tokenFileFailures } from "./failures.ts"

export const AdminErrorReason = Schema.Literals(
  Object.keys(tokenFileFailures) as unknown as readonly [TokenFileFailureName, ...Array<TokenFileFailureName>]
)

export class AdminError extends Schema.TaggedError<AdminError>()("AdminError", {
  reason: AdminErrorReason,
  code: Schema.String,
  tokenFile: Schema.String,
  fact: Schema.String,
  fix: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `${this.code}  admin.token-file ${this.tokenFile}: ${this.fact}\n   fix: ${this.fix}`
  }
  override get [Runtime.errorExitCode](): number {
    return 1
  }
}

/** `detail` is added to the table's fact. */
export function adminError(
  reason: TokenFileFailureName,
  tokenFile: string,
  detail: string | undefined,
  cause: unknown
): AdminError {
  const { code, fact, fix } = tokenFileFailures[reason]
  return new AdminError({
    reason,
    code,
    tokenFile,
    fact: detail === undefined ? fact : `${fact} (${detail})`,
    fix,
    cause
  })
}
