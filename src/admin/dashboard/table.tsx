/**
 * A list from the server: pages of a hundred, filtered and sorted there, drawn as far as one can see. Rows all have the
 * same height, so what is above and below is empty space of the right size and 10,000 rows scroll like ten.
 *
 * Filter and order stand in the address (`filterKey`, `sortKey`), so the view can be sent to somebody.
 */
import { type Signal, useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { useLocation } from "preact-iso"
import { get, type Query } from "./api.ts"
import { count } from "./format.ts"
import { Nothing, Waiting } from "./parts.tsx"
import { queryOf, rewriteQuery } from "./place.ts"
import { usePolled } from "./polled.ts"

export interface Column<A> {
  readonly name: string
  /** What the server sorts by; a column without one cannot be sorted. */
  readonly sort?: string
  readonly isNumber?: boolean
  readonly class?: string
  readonly show: (item: A) => ComponentChildren
  readonly title?: (item: A) => string
}

export interface ListProps<A> {
  readonly path: string
  readonly query?: Query
  readonly caption: string
  readonly columns: ReadonlyArray<Column<A>>
  readonly keyOf: (item: A) => string
  readonly nothing: ComponentChildren
  /** undefined = it cannot be filtered. */
  readonly filterLabel?: string | undefined
  readonly filterHint?: string
  /** Name of the filter in the address; lists of the same page have different ones. */
  readonly filterKey?: string
  readonly sort?: string
  /** Asked again so often while it is in view; 0 = never. */
  readonly everyMs?: number
  /** Changes when something was done that the list shows. */
  readonly version?: number
  /** Beside the filter. */
  readonly tools?: (now: {
    readonly filter: string
    readonly sort: string
    readonly total: number
  }) => ComponentChildren
  readonly onPage?: (items: ReadonlyArray<A>) => void
}

interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly total: number
  readonly isTotalExact: boolean
}

const ROW_PX = 36
const PAGE = 100
const VIEW_ROWS = 20
const TYPING_MS = 120

export function List<A>(props: ListProps<A>) {
  const { caption, everyMs = 2000, filterLabel, nothing, path, query } = props
  const view = useView(props)
  const first = useSignal(0)
  const box = useRef<HTMLDivElement>(null)
  const from = Math.floor(first.value / PAGE)
  const until = Math.floor((first.value + VIEW_ROWS) / PAGE)
  const wanted = from === until ? [from] : [from, until]
  const asked = { ...query, filter: view.filter.value, sort: view.sort.value, limit: PAGE }
  const ask = async (signal: AbortSignal): Promise<ReadonlyMap<number, Page<A>>> => {
    const got = await Promise.all(wanted.map((page) => get<Page<A>>(path, { ...asked, offset: page * PAGE }, signal)))
    return new Map(wanted.map((page, i) => [page, got[i] as Page<A>]))
  }
  const { failure, value: pages } = usePolled(ask, {
    key: path,
    everyMs,
    version: JSON.stringify([asked, wanted, props.version ?? 0]),
    onValue: (found) => props.onPage?.([...found.values()].flatMap(({ items }) => items))
  })
  const known = pages?.values().next().value
  const total = known?.total
  const onScroll = () => {
    first.value = Math.max(0, Math.floor((box.current?.scrollTop ?? 0) / ROW_PX) - 4)
  }
  const onFilter = (text: string) => {
    view.typed.value = text
    first.value = 0
    if (box.current !== null) box.current.scrollTop = 0
  }
  return (
    <div class="list">
      <div class="list-head">
        {filterLabel === undefined ? null : (
          <input
            type="search"
            class="filter"
            aria-label={filterLabel}
            placeholder={props.filterHint ?? filterLabel}
            value={view.typed.value}
            onInput={(event) => onFilter(event.currentTarget.value)}
          />
        )}
        {props.tools?.({ filter: view.filter.value, sort: view.sort.value, total: total ?? 0 })}
        <span class="soft total" role="status">
          {total === undefined ? "loading …" : `${known?.isTotalExact === false ? "at least " : ""}${count(total)}`}
        </span>
      </div>
      {failure === undefined ? null : <Waiting failure={failure} />}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard */}
      <section class="scroll" ref={box} onScroll={onScroll} tabIndex={0} aria-label={caption}>
        {total !== 0 ? (
          <Rows
            columns={props.columns}
            keyOf={props.keyOf}
            pages={pages}
            total={total ?? 0}
            first={first.value}
            sort={view.sort}
          />
        ) : view.filter.value === "" ? (
          <div class="nothing">{nothing}</div>
        ) : (
          <Nothing title={`Nothing matches “${view.filter.value}”`}>
            <button type="button" onClick={() => onFilter("")}>
              Show all
            </button>
          </Nothing>
        )}
      </section>
    </div>
  )
}

interface View {
  /** What stands in the field, and what is asked for a moment later. */
  readonly typed: Signal<string>
  readonly filter: Signal<string>
  readonly sort: Signal<string>
}

const useView = ({ filterKey = "filter", sort: usual = "" }: Pick<ListProps<never>, "filterKey" | "sort">): View => {
  const sortKey = filterKey === "filter" ? "sort" : `${filterKey}-sort`
  const typed = useSignal(queryOf(filterKey))
  const filter = useSignal(typed.peek())
  const sort = useSignal(queryOf(sortKey) || usual)
  useEffect(() => {
    if (typed.value === filter.value) return
    const timer = setTimeout(() => (filter.value = typed.value), TYPING_MS)
    return () => clearTimeout(timer)
  }, [typed.value])
  useEffect(() => {
    rewriteQuery({ [filterKey]: filter.value, [sortKey]: sort.value === usual ? "" : sort.value })
  }, [filter.value, sort.value])
  // A saved view, or a step back: the address has become another one.
  const { url } = useLocation()
  useEffect(() => {
    typed.value = queryOf(filterKey)
    filter.value = typed.value
    sort.value = queryOf(sortKey) || usual
  }, [url])
  return { typed, filter, sort }
}

interface RowsProps<A> extends Pick<ListProps<A>, "columns" | "keyOf"> {
  readonly pages: ReadonlyMap<number, Page<A>> | undefined
  readonly total: number
  readonly first: number
  readonly sort: Signal<string>
}

function Rows<A>({ columns, first, keyOf, pages, sort, total }: RowsProps<A>) {
  const start = Math.max(0, Math.min(first, total - VIEW_ROWS))
  const shown = Array.from({ length: Math.max(0, Math.min(VIEW_ROWS * 2, total - start)) }, (_, i) => {
    const at = start + i
    return pages?.get(Math.floor(at / PAGE))?.items[at % PAGE]
  })
  return (
    <table aria-rowcount={total}>
      <thead>
        <tr>
          {columns.map((column) => (
            <Head key={column.name} column={column} sort={sort.value} onSort={(next) => (sort.value = next)} />
          ))}
        </tr>
      </thead>
      <tbody>
        <Space rows={start} columns={columns.length} />
        {shown.map((item, i) =>
          item === undefined ? (
            <Space key={`wait ${start + i}`} rows={1} columns={columns.length} />
          ) : (
            <tr key={keyOf(item)} aria-rowindex={start + i + 1}>
              {columns.map((column) => (
                <td key={column.name} class={classOf(column)} title={column.title?.(item)}>
                  {column.show(item)}
                </td>
              ))}
            </tr>
          )
        )}
        <Space rows={Math.max(0, total - start - shown.length)} columns={columns.length} />
      </tbody>
    </table>
  )
}

const classOf = <A,>({ class: own, isNumber }: Column<A>): string | undefined =>
  [isNumber === true ? "number" : "", own ?? ""].filter(Boolean).join(" ") || undefined

const Space = ({ columns, rows }: { readonly rows: number; readonly columns: number }) =>
  rows === 0 ? null : (
    <tr>
      <td colSpan={columns} class="space" style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  )

function Head<A>({
  column,
  onSort,
  sort
}: {
  readonly column: Column<A>
  readonly sort: string
  readonly onSort: (sort: string) => void
}) {
  const { isNumber, name, sort: by } = column
  const direction = by === undefined ? undefined : sort === by ? "ascending" : sort === `-${by}` ? "descending" : "none"
  // Numbers are looked at for the largest first.
  const [once, again] = isNumber === true ? [`-${by}`, by] : [by, `-${by}`]
  return (
    <th scope="col" class={classOf(column)} aria-sort={direction}>
      {by === undefined ? (
        name === "" ? (
          <span class="hidden">Actions</span>
        ) : (
          name
        )
      ) : (
        <button type="button" class="sort" onClick={() => onSort((sort === once ? again : once) as string)}>
          {name}
          <span class="arrow" aria-hidden="true">
            {direction === "ascending" ? "↑" : direction === "descending" ? "↓" : ""}
          </span>
        </button>
      )}
    </th>
  )
}
