/**
 * An ext4 file system in a file, that can be cut off as a power cut does: the shutdown ioctl with NOLOGFLUSH stops it at
 * once, and what was not synced by then is gone when it is mounted again.
 *
 * For root on Linux with loop devices, the tools of e2fsprogs, and a C compiler or python3 for the ioctl, which Node has
 * no call for. `whyNoExt4` says what is missing.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const SIZE_MIB = 1024
/** EXT4_IOC_SHUTDOWN = _IOR('X', 125, __u32), EXT4_GOING_FLAGS_NOLOGFLUSH. */
const SHUTDOWN = 0x8004587d
const NO_LOG_FLUSH = 2

const environment = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }
const hasTool = (name: string) => spawnSync(name, ["--help"], { env: environment }).error === undefined

/** Undefined where power cuts can be made. */
export function whyNoExt4(): string | undefined {
  if (process.platform !== "linux") return "power cuts on ext4 need Linux"
  if (process.getuid?.() !== 0) return "power cuts on ext4 need root"
  if (!existsSync("/dev/loop-control")) return "power cuts on ext4 need loop devices"
  const missing = ["mkfs.ext4", "losetup", "mount", "umount"].filter((tool) => !hasTool(tool))
  if (missing.length > 0) return `power cuts on ext4 need ${missing.join(", ")}`
  if (!hasTool("cc") && !hasTool("python3")) return "power cuts on ext4 need cc or python3 for the ioctl"
  try {
    new Ext4Disk()[Symbol.dispose]()
    return undefined
  } catch (cause) {
    return `power cuts on ext4: ${cause instanceof Error ? cause.message : cause}`
  }
}

export class Ext4Disk implements Disposable {
  /** Where it is mounted. */
  readonly folder: string
  readonly #root = mkdtempSync(join(tmpdir(), "promptmq-ext4-"))
  #device = ""

  constructor() {
    this.folder = join(this.#root, "mounted")
    const image = join(this.#root, "image")
    mkdirSync(this.folder)
    try {
      must("truncate", ["-s", `${SIZE_MIB}M`, image])
      must("mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image])
      this.#device = must("losetup", ["--find", "--show", image]).trim()
      must("mount", ["-t", "ext4", this.#device, this.folder])
    } catch (cause) {
      this[Symbol.dispose]()
      throw cause
    }
  }

  /** The power goes. Processes that use the file system must be stopped before and killed after. */
  cut(): void {
    const [program, words] = shutdownTool(this.#root)
    must(program, [...words, this.folder])
  }

  /** It comes back: the journal is replayed. */
  remount(): void {
    must("umount", [this.folder])
    must("mount", ["-t", "ext4", this.#device, this.folder])
  }

  [Symbol.dispose](): void {
    spawnSync("umount", [this.folder], { env: environment })
    if (this.#device !== "") spawnSync("losetup", ["-d", this.#device], { env: environment })
    rmSync(this.#root, { recursive: true, force: true })
  }
}

const cSource = `#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
int main(int count, char **words) {
  uint32_t flag = ${NO_LOG_FLUSH};
  int folder = count > 1 ? open(words[1], O_RDONLY | O_DIRECTORY) : -1;
  return folder < 0 || ioctl(folder, _IOR('X', 125, uint32_t), &flag) < 0;
}
`
const pythonSource =
  "import fcntl, os, struct, sys; " +
  `fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), ${SHUTDOWN}, struct.pack("I", ${NO_LOG_FLUSH}))`

function shutdownTool(folder: string): [string, ReadonlyArray<string>] {
  if (!hasTool("cc")) return ["python3", ["-c", pythonSource]]
  const program = join(folder, "shutdown")
  if (!existsSync(program)) {
    writeFileSync(`${program}.c`, cSource)
    must("cc", ["-o", program, `${program}.c`])
  }
  return [program, []]
}

function must(program: string, words: ReadonlyArray<string>): string {
  const { error, status, stderr, stdout } = spawnSync(program, words, { encoding: "utf8", env: environment })
  if (error !== undefined || status !== 0)
    throw new Error(`${[program, ...words].join(" ")}: ${error?.message ?? stderr.trim()} (${status})`)
  return stdout
}
