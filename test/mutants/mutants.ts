/**
 * The table of mutants, room by room. A row per statement that a single line fulfils; run.ts says how it is judged.
 */
import { accessRulesMutants } from "./access-rules-mutants.ts"
import { adminMutants } from "./admin-mutants.ts"
import { authenticationMutants } from "./authentication-mutants.ts"
import { benchMutants } from "./bench-mutants.ts"
import { brokerMutants } from "./broker-mutants.ts"
import { codecMutants } from "./codec-mutants.ts"
import { cursorMutants } from "./cursor-mutants.ts"
import { dashboardMutants } from "./dashboard-mutants.ts"
import { hostileMutants } from "./hostile-mutants.ts"
import { indexMutants } from "./index-mutants.ts"
import { limitsMutants } from "./limits-mutants.ts"
import { messageLogMutants } from "./message-log-mutants.ts"
import { metricsMutants } from "./metrics-mutants.ts"
import type { Mutant } from "./mutant.ts"
import { operateMutants } from "./operate-mutants.ts"
import { operationsMutants } from "./operations-mutants.ts"
import { planMutants } from "./plan-mutants.ts"
import { promiseMutants } from "./promise-mutants.ts"
import { providersMutants } from "./providers-mutants.ts"
import { replayMutants } from "./replay-mutants.ts"
import { restoreMutants } from "./restore-mutants.ts"
import { routerMutants } from "./router-mutants.ts"
import { stateMutants } from "./state-mutants.ts"
import { toolsMutants } from "./tools-mutants.ts"
import { traceMutants } from "./trace-mutants.ts"
import { v5Mutants } from "./v5-mutants.ts"
import { v311Mutants } from "./v311-mutants.ts"
import { walMutants } from "./wal-mutants.ts"

export const mutants: ReadonlyArray<Mutant> = [
  ...codecMutants,
  ...routerMutants,
  ...stateMutants,
  ...cursorMutants,
  ...promiseMutants,
  ...planMutants,
  ...restoreMutants,
  ...replayMutants,
  ...authenticationMutants,
  ...providersMutants,
  ...accessRulesMutants,
  ...limitsMutants,
  ...hostileMutants,
  ...brokerMutants,
  ...v311Mutants,
  ...v5Mutants,
  ...walMutants,
  ...indexMutants,
  ...messageLogMutants,
  ...metricsMutants,
  ...toolsMutants,
  ...benchMutants,
  ...operateMutants,
  ...operationsMutants,
  ...adminMutants,
  ...traceMutants,
  ...dashboardMutants
]
