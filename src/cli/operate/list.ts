/**
 * Lists of the admin API as commands: a page of rows with --filter, --sort and --limit, told in columns.
 */
import type * as Schema from "effect/Schema"
import { pageLimitDefault, pageLimitMax } from "../../admin/api/shared.ts"
import type { Api } from "../api-client.ts"
import type { ApiRequest } from "../api-http.ts"
import { type Decoded, number, type Option, text, UsageFault } from "../grammar/option.ts"
import type { World } from "../world.ts"
import { type Column, tableText } from "./columns.ts"
import type { View } from "./show.ts"
import { numberText } from "./words.ts"

const section = "Which rows"

export const limitOption = {
  limit: number(`rows at most (${pageLimitDefault})`, {
    letter: "n",
    section,
    placeholder: "count",
    minimum: 1,
    maximum: pageLimitMax
  })
}

export const listOptions = (filter: string, columns: ReadonlyArray<string>) => ({
  filter: text(filter, { letter: "f", section, placeholder: "text" }),
  sort: sortOption(columns),
  ...limitOption
})

/** Help and completion name each column once; a dash before it is understood. */
function sortOption(columns: ReadonlyArray<string>): Option<string | undefined> {
  const row = { letter: "s", section, placeholder: "column", choices: columns }
  const plain = text("by a column, falling with - before it", row)
  return {
    ...plain,
    decode: (name, given) => {
      const typed = given.at(-1)?.[0]
      const column = plain.decode(name, typed === undefined ? [] : [[typed.replace(/^-/, "")]])
      return typed === undefined || column instanceof UsageFault ? column : typed
    }
  }
}

type ListOptions = Decoded<ReturnType<typeof listOptions>>

/** What a list command has besides. */
export interface ListWords<Row> {
  readonly columns: ReadonlyArray<Column<Row>>
  /** "client", "clients". */
  readonly one: string
  readonly many: string
}

interface Page<Row> {
  readonly items: ReadonlyArray<Row>
  readonly total: number
  readonly isTotalExact: boolean
}

export function pageQueryOf({ filter, limit, sort }: Partial<ListOptions>): NonNullable<ApiRequest["query"]> {
  return { filter, sort, limit: limit ?? pageLimitDefault }
}

/** `page` is pageOf the row's schema. */
export function listView<Row extends object>(
  request: ApiRequest,
  page: Schema.ConstraintDecoder<Page<Row>>,
  { columns, many, one }: ListWords<Row>,
  world: World
): View<Page<Row>> {
  return {
    read: (api: Api) => api.ask(request, page),
    lines: ({ items }) => tableText(columns, items, world),
    remark: (answer) => pageRemark(answer, one, many),
    document: (answer) => answer,
    items: ({ items }) => items
  }
}

/** How many there are, and that more are than shown. */
export function pageRemark({ isTotalExact, items, total }: Page<unknown>, one: string, many: string): string {
  const all = `${isTotalExact ? "" : "at least "}${numberText(total)} ${total === 1 ? one : many}`
  const isCut = items.length < total || !isTotalExact
  return isCut ? `${all}, ${numberText(items.length)} shown; --limit and --filter choose` : all
}
