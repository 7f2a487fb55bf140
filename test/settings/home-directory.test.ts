/** Goal: a user whom no list knows and who has no $HOME, as in containers, is at home in / and not the end of the start. */
import { assert, describe, it } from "@effect/vitest"
import { homeDirectory } from "../../src/settings/home-directory.ts"

describe("the home folder", () => {
  it("is what the system says", () =>
    assert.strictEqual(
      homeDirectory(() => "/home/me"),
      "/home/me"
    ))

  it("is / for a user without one", () => {
    const unknown = () => {
      throw Object.assign(new Error("uv_os_homedir returned ENOENT"), { code: "ERR_SYSTEM_ERROR" })
    }
    assert.strictEqual(homeDirectory(unknown), "/")
  })
})
