/**
 * A list from the server: pages of a hundred, filtered and sorted there, drawn as far as one can see. Rows all have the
 * same height, so what is above and below is empty space of the right size and 10,000 rows scroll like ten.
 */
import { useSignal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useEffect, useRef } from "preact/hooks"
import { get, type Query } from "./api.ts"
import { count } from "./format.ts"
import { tellFailure } from "./notices.tsx"

export interface Column<A> {
  readonly name: string
  /** What the server sorts by; a column without one cannot be sorted. */
  readonly sort?: string
  readonly isNumber?: boolean
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
  readonly filterLabel?: string
  readonly sort?: string
  /** Asked again so often while it is in view; 0 = never. */
  readonly everyMs?: number
  /** Changes when something was done that the list shows. */
  readonly version?: number
}

interface Page<A> {
  readonly items: ReadonlyArray<A>
  readonly total: number
  readonly isTotalExact: boolean
}

const ROW_PX = 36
const PAGE = 100
const VIEW_ROWS = 16

export function List<A>(props: ListProps<A>) {
  const { caption, columns, everyMs = 2000, filterLabel = "Filter", keyOf, nothing, path, version = 0 } = props
  const filter = useSignal(new URLSearchParams(location.search).get("filter") ?? "")
  const sort = useSignal(props.sort ?? "")
  const pages = useSignal<ReadonlyMap<number, Page<A>>>(new Map())
  const total = useSignal<number | undefined>(undefined)
  const isExact = useSignal(true)
  const first = useSignal(0)
  const box = useRef<HTMLDivElement>(null)
  const queryKey = JSON.stringify(props.query ?? {})

  useEffect(() => {
    const controller = new AbortController()
    const load = async () => {
      if (document.hidden) return
      const from = Math.floor(first.value / PAGE)
      const until = Math.floor((first.value + VIEW_ROWS) / PAGE)
      const wanted = from === until ? [from] : [from, until]
      const query = { ...props.query, filter: filter.value, sort: sort.value, limit: PAGE }
      try {
        const got = await Promise.all(
          wanted.map((page) => get<Page<A>>(path, { ...query, offset: page * PAGE }, controller.signal))
        )
        pages.value = new Map(wanted.map((page, i) => [page, got[i] as Page<A>]))
        total.value = got[0]?.total ?? 0
        isExact.value = got[0]?.isTotalExact ?? true
      } catch (cause) {
        if (!controller.signal.aborted) tellFailure(cause)
      }
    }
    const waiting = setTimeout(load, 60)
    const timer = everyMs > 0 ? setInterval(load, everyMs) : undefined
    return () => {
      controller.abort()
      clearTimeout(waiting)
      clearInterval(timer)
    }
  }, [path, queryKey, filter.value, sort.value, Math.floor(first.value / PAGE), version, everyMs])

  const all = total.value ?? 0
  const shown = Array.from({ length: Math.min(VIEW_ROWS * 2, all - first.value) }, (_, i) => {
    const at = first.value + i
    return pages.value.get(Math.floor(at / PAGE))?.items[at % PAGE]
  })
  const onScroll = () => {
    const top = box.current?.scrollTop ?? 0
    first.value = Math.max(0, Math.min(Math.floor(top / ROW_PX) - 4, Math.max(0, all - VIEW_ROWS)))
  }
  return (
    <div class="list">
      <div class="list-head">
        <label class="filter">
          <span>{filterLabel}</span>
          <input
            type="search"
            value={filter.value}
            onInput={(event) => {
              filter.value = event.currentTarget.value
              first.value = 0
              if (box.current !== null) box.current.scrollTop = 0
            }}
          />
        </label>
        <span class="soft" role="status">
          {total.value === undefined ? "loading …" : `${isExact.value ? "" : "at least "}${count(all)}`}
        </span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by keyboard */}
      <section class="scroll" ref={box} onScroll={onScroll} tabIndex={0} aria-label={caption}>
        <table aria-rowcount={all}>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head key={column.name} column={column} sort={sort.value} onSort={(next) => (sort.value = next)} />
              ))}
            </tr>
          </thead>
          <tbody>
            {first.value > 0 ? <Space rows={first.value} columns={columns.length} /> : null}
            {shown.map((item, i) =>
              item === undefined ? (
                <Space key={`wait ${first.value + i}`} rows={1} columns={columns.length} />
              ) : (
                <tr key={keyOf(item)} aria-rowindex={first.value + i + 1}>
                  {columns.map(({ isNumber, name, show, title }) => (
                    <td key={name} class={isNumber === true ? "number" : undefined} title={title?.(item)}>
                      {show(item)}
                    </td>
                  ))}
                </tr>
              )
            )}
            <Space rows={Math.max(0, all - first.value - shown.length)} columns={columns.length} />
          </tbody>
        </table>
        {total.value === 0 ? <div class="nothing">{nothing}</div> : null}
      </section>
    </div>
  )
}

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
  return (
    <th scope="col" class={isNumber === true ? "number" : undefined} aria-sort={direction}>
      {by === undefined ? (
        name
      ) : (
        <button type="button" class="sort" onClick={() => onSort(direction === "ascending" ? `-${by}` : by)}>
          {name}
          <span aria-hidden="true">{direction === "ascending" ? " ↑" : direction === "descending" ? " ↓" : ""}</span>
        </button>
      )}
    </th>
  )
}
