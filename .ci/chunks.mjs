/**
 * How the command is cut into files: what the broker loads at its start is shared out by the groups of commands that use it too.
 *
 * Left to itself the bundler makes a file for every set of commands that share something: `server` alone imports 66 of them,
 * and each costs half a millisecond to find, read and link. Here a module goes with all others that the broker shares with the
 * same groups of `promptmq --help` ("Store", "Operate" ...): fifteen. A command then loads a little that only its
 * neighbours in the group need; one that shares nothing with them (`pub`: no Effect) still loads nothing of it.
 * What the broker does not load stays as the bundler cuts it.
 *
 * Files cannot come to import each other in a circle: whoever loads a module loads what that imports, so a file imports only
 * files of more groups than its own.
 *
 * Measured on one core, in turns, medians of 10: start 279 to 217 ms together with code that is compiled already (dist/compiled/;
 * with that alone 265), `pub --help` 76 to 69.
 */
import { join } from "node:path"

/** `rows`: the table of commands, src/cli/commands.ts. The value is rolldown's `output.codeSplitting`. */
export const cutByGroups = (root, rows) => {
  const commandLine = join(root, "src", "cli")
  /** Group of commands by the file that is the command's body. */
  const groupOf = new Map(rows.map((row) => [join(commandLine, fileOf(row)), row.group]))
  const broker = join(commandLine, fileOf(rows.find(({ name }) => name === "server")))
  /** Loaded by every command, before it is known which: a group of its own. */
  for (const file of ["run.ts", "world.ts"]) groupOf.set(join(commandLine, file), "every")

  let groupsOf
  const name = (id, context) => {
    groupsOf ??= reach(groupOf, context)
    const groups = groupsOf.get(id)
    if (groups === undefined || !groups.has(broker)) return null
    if (groups.has("every")) return "with-every"
    const others = [...groups].filter((group) => !(group === broker || group === groupOf.get(broker)))
    return others.length === 0 ? null : ["with", ...others.sort()].join("-").toLowerCase()
  }
  return {
    includeDependenciesRecursively: false,
    groups: [{ name, debugName: "what the broker shares" }]
  }

  /** Of every module: the groups of the commands that import it, however indirectly, and `broker` when that does. */
  function reach(entries, context) {
    const found = new Map()
    const visit = (id, group) => {
      const groups = found.get(id) ?? new Set()
      if (groups.has(group)) return
      found.set(id, groups.add(group))
      for (const imported of context.getModuleInfo(id)?.importedIds ?? []) visit(imported, group)
    }
    for (const [file, group] of entries) visit(file, group)
    visit(broker, broker)
    return found
  }
}

/** A row loads its body with `() => import("./server.ts")`: nothing else names the file. */
function fileOf({ load, name }) {
  const file = /import\("\.\/([^"]+)"\)/.exec(String(load))?.[1]
  if (file === undefined)
    throw new Error(`the row of "${name}" in src/cli/commands.ts does not import its body by name`)
  return file
}
