/**
 * Who may do what in the make-ups `guarded` and `enhanced` of our broker: one user, one forbidden level, and an
 * authentication method that challenges once.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  Access,
  type AccessDecisions,
  ConnectRefused,
  type ConnectRequest,
  type EnhancedMethod,
  type EnhancedStep,
  Verdict
} from "../../../src/access/access.ts"
import { enhanced, guarded } from "./target.ts"

const refused = (reasonCode: number, why: string) => Effect.fail(new ConnectRefused({ reasonCode, why }))

const identityOf = ({ clientIdentifier, username }: ConnectRequest) => ({ clientIdentifier, username })

const isForbidden = (text: string): boolean => text.split("/").includes(guarded.forbidden)
const verdictOn = (text: string): number => (isForbidden(text) ? Verdict.deny : Verdict.allow)

const decisions: AccessDecisions = {
  generation: 0,
  allowsEverything: false,
  admitsEverybody: false,
  authenticate: (request) =>
    request.username === guarded.username && String(Buffer.from(request.password ?? [])) === guarded.password
      ? Effect.succeed(identityOf(request))
      : refused(0x86, "wrong user name or password"),
  methods: new Map(),
  readVerdict: () => Verdict.allow,
  publishVerdict: (_, topic) => verdictOn(topic),
  decidePublish: (_, topic) => Effect.succeed(!isForbidden(topic)),
  subscribeVerdict: (_, filter) => verdictOn(filter),
  decideSubscribe: (_, filter) => Effect.succeed(!isForbidden(filter))
}

const challenge: EnhancedMethod = {
  name: enhanced.method,
  begin: (request) => Effect.succeed({ data: Buffer.from(enhanced.question), next: (data) => answered(request, data) })
}

const answered = (request: ConnectRequest, data: Buffer | undefined): Effect.Effect<EnhancedStep, ConnectRefused> =>
  String(data) === enhanced.answer
    ? Effect.succeed({ identity: identityOf(request) })
    : refused(0x87, "wrong answer to the challenge")

/** A user name with its password is asked for. */
export const guardedAccess = Layer.succeed(Access, decisions)

/** Everybody may come in; who names the method must pass its challenge. */
export const enhancedAccess = Layer.succeed(Access, {
  ...decisions,
  allowsEverything: true,
  authenticate: (request) => Effect.succeed(identityOf(request)),
  methods: new Map([[challenge.name, challenge]])
})
