/**
 * The codec of production passes the contract with nothing excused and every Reason Code exact.
 */

import { ownCodec } from "../../src/codec/own.ts"
import { codecContract } from "../contract/codec.ts"

codecContract(ownCodec, { cannotJudge: new Set(), exactReasonCodes: true })
