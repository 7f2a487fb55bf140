/**
 * The home folder of who runs this, for `~/`, the state folder and the configuration that lies there.
 *
 * A container may run as a number that no list of users knows, and without $HOME: such a user is at home in /, as engines of
 * containers and systemd see it. What has to be written there then fails with the folder's name, not before the first word.
 *
 * Elsewhere: what lies below it (resolve.ts, ../config/load.ts).
 */
import { homedir } from "node:os"

export const homeDirectory = (ask: () => string = homedir): string => {
  try {
    return ask()
  } catch {
    return "/"
  }
}
