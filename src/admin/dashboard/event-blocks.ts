/**
 * Server-sent events, read from pieces of text that end anywhere. Plain.
 *
 *   event: snapshot
 *   data: {"at": ...}
 *                            an empty line ends the block
 */
export interface EventBlock {
  readonly name: string
  readonly data: string
}

/** A reader with what is not complete yet; blocks without data (retry, comments) are left out. */
export const eventBlocks = (): ((text: string) => ReadonlyArray<EventBlock>) => {
  let rest = ""
  return (text) => {
    const blocks = (rest + text).split("\n\n")
    // [DASH-4] The last piece is a beginning.
    rest = blocks.pop() ?? ""
    return blocks.map(read).filter(({ data }) => data !== "")
  }
}

const read = (block: string): EventBlock => {
  let name = "message"
  let data = ""
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim()
    else if (line.startsWith("data:")) data += line.slice(5).trim()
  }
  return { name, data }
}
