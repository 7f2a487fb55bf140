/**
 * `promptmq clients`: who is connected, and whose session waits. A client is a session, connected or not.
 */
import { ClientRow } from "../admin/api/clients.ts"
import { pageOf } from "../admin/api/shared.ts"
import { commandBody } from "./grammar/command.ts"
import { clientColumns } from "./operate/client-columns.ts"
import { listOptions, listView, pageQueryOf } from "./operate/list.ts"
import { show, showOptions } from "./operate/show.ts"

export const body = commandBody({
  notes: [
    "behind: log records between its position and the newest, which is an upper bound of the messages that wait. unsent: bytes that its connection has not taken. promptmq client <id> shows one."
  ],
  examples: [
    { line: "promptmq clients --sort -behindRecords --limit 20", why: "the twenty that are furthest behind" },
    { line: "promptmq clients --filter alice --watch", why: "whose id, user or address has alice, drawn anew" },
    { line: "promptmq clients --json", why: "for a program" }
  ],
  operands: [],
  options: {
    ...listOptions("a text that id, user, address or listener contains", Object.keys(ClientRow.fields)),
    ...showOptions
  },
  isHelpWhenBare: false,
  run: ({ options }, world) => {
    const request = { path: "/api/v1/clients", query: pageQueryOf(options) }
    const words = { columns: clientColumns, one: "client", many: "clients" }
    return show(options, world, listView(request, pageOf(ClientRow), words, world))
  }
})
