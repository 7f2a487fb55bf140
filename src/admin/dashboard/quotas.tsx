/** What users have used of their quotas; who comes near one, or has met it. */
import type { QuotaRow } from "../api/security.ts"
import { bytes, count, moment } from "./format.ts"
import { Part } from "./parts.tsx"
import { type Column, List } from "./table.tsx"

const moods: Readonly<Record<QuotaRow["state"], string>> = { ok: "good", near: "warn", exceeded: "bad" }

const amount = ({ quota }: QuotaRow, value: number): string => (quota === "bytes-per-day" ? bytes(value) : count(value))

const columns: ReadonlyArray<Column<QuotaRow>> = [
  { name: "User", sort: "user", class: "main", show: ({ user }) => user },
  { name: "Quota", sort: "quota", show: ({ quota }) => quota },
  { name: "Used", sort: "percent", isNumber: true, show: (row) => amount(row, row.used) },
  { name: "Of", isNumber: true, show: (row) => amount(row, row.limit) },
  {
    name: "State",
    sort: "state",
    show: ({ percent, state }) => <span class={`tag ${moods[state]}`}>{`${state}, ${Math.round(percent)} %`}</span>
  },
  { name: "Refused", sort: "refused", isNumber: true, show: ({ refused }) => count(refused) },
  { name: "Begins anew", show: ({ resetsAt }) => moment(resetsAt) }
]

export const Quotas = () => (
  <>
    <Part title="Quotas of users" />
    <List
      path="/quotas"
      caption="Quotas of users"
      columns={columns}
      sort="-percent"
      filterKey="quotas"
      keyOf={({ quota, user }) => `${user} ${quota}`}
      everyMs={5000}
      nothing={<b>No user has a quota</b>}
    />
  </>
)
