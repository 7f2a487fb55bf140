/**
 * The reference codec passes the contract, less what `referenceCannotJudge` names. The list is kept honest:
 * a refusal that is excused must really be taken by it, else the excuse goes.
 */
import { assert, describe, it } from "@effect/vitest"
import { Fault } from "../../src/codec/fault.ts"
import { referenceCannotJudge, referenceCodec } from "../../src/codec/reference.ts"
import { codecContract } from "../contract/codec.ts"
import { accepted } from "./accepted.ts"
import { decode } from "./decode.ts"
import { frame } from "./frames.ts"
import { refusals } from "./refusals.ts"

codecContract(referenceCodec, { cannotJudge: new Set(Object.keys(referenceCannotJudge)), exactReasonCodes: false })

describe("what the reference codec cannot judge", () => {
  for (const row of refusals.filter((each) => each.beyond !== undefined)) {
    for (const version of row.versions) {
      it(`takes ${row.packet} ${version}: ${row.what} (${row.beyond})`, () => {
        assert.notInstanceOf(decode(referenceCodec, frame(row.bytes, version), version), Fault)
      })
    }
  }
  for (const row of accepted.filter((each) => each.beyond !== undefined)) {
    it(`refuses or damages ${row.what} (${row.beyond})`, () => {
      const packet = decode(referenceCodec, frame(row.bytes, row.version), row.version)
      if (packet instanceof Fault) return
      for (const [field, value] of Object.entries(row.fields)) {
        try {
          assert.deepStrictEqual((packet as Record<string, unknown>)[field], value)
        } catch {
          return
        }
      }
      assert.fail("The reference codec takes it whole: the row needs no excuse")
    })
  }
})
