/**
 * Whether a file is still the one it was, by its file system's account: for whoever looks again and again, as the file system
 * is asked and not listened to. That also sees network folders, mounted secrets and a file that is exchanged by renaming.
 *
 * Elsewhere: when one looks, and acts (access/file-watch.ts, tls-material.ts, admin/callers.ts).
 */
import { statSync } from "node:fs"

/** A text that is another one when the file is; also for a file that is not there ("ENOENT"), and for none ("-"). */
export const stateOfFile = (file: string): string => {
  if (file === "") return "-"
  try {
    const { ctimeNs, dev, ino, mtimeNs, size } = statSync(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(":")
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? "unknown"
  }
}
