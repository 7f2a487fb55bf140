/**
 * A stubbed admin API with its token in a folder of its own, made anew for every test of a file: `stubPlace()` at the top
 * of the file, then `place.stub`, `place.folder` and the words that lead a command there.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach } from "@effect/vitest"
import { type AdminStub, startAdminStub } from "./admin-stub.ts"

export interface StubPlace {
  readonly stub: AdminStub
  readonly folder: string
  readonly at: () => ReadonlyArray<string>
}

export const stubPlace = (): StubPlace => {
  let stub: AdminStub
  let folder: string
  beforeEach(async () => {
    stub = await startAdminStub()
    folder = mkdtempSync(join(tmpdir(), "promptmq-cli-"))
    writeFileSync(join(folder, "token"), `${stub.token}\n`)
  })
  afterEach(async () => {
    await stub.stop()
    rmSync(folder, { recursive: true })
  })
  return {
    get stub() {
      return stub
    },
    get folder() {
      return folder
    },
    at: () => ["--url", `http://127.0.0.1:${stub.port}`, "--token-file", join(folder, "token")]
  }
}
