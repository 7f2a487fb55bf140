/**
 * Who is logged in: a token, for as long as the tab lives. It comes from the one-time link printed at the start
 * (`/#login=CODE`, exchanged at once and taken out of the address bar) or is typed in.
 *
 * It is kept in sessionStorage, not in a cookie: no other page can make the browser send it along.
 */
import { computed, signal } from "@preact/signals"
import type { Role } from "../api/shared.ts"
import type { Login } from "../api/system.ts"

const KEY = "promptmq-token"

export const token = signal(sessionStorage.getItem(KEY) ?? "")
export const role = signal<Role | undefined>(undefined)
export const loginFact = signal("")
/** A one-time code is being exchanged: the form would only flicker. */
export const isExchanging = signal(false)

const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }

export const mayOperate = computed(() => rank[role.value ?? "viewer"] >= rank.operator)
export const mayAdminister = computed(() => role.value === "admin")

export const logIn = (value: string): void => {
  sessionStorage.setItem(KEY, value)
  token.value = value
  loginFact.value = ""
}

export const logOut = (fact = ""): void => {
  sessionStorage.removeItem(KEY)
  token.value = ""
  role.value = undefined
  loginFact.value = fact
}

export const takeCode = async (): Promise<void> => {
  const code = /^#login=([\w-]+)$/.exec(location.hash)?.[1]
  if (code === undefined) return
  isExchanging.value = true
  history.replaceState(null, "", location.pathname + location.search)
  try {
    const response = await fetch("/api/v1/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code })
    })
    if (response.ok) logIn(((await response.json()) as Login).token)
    else logOut("The link was used before, or has expired. The token is in the file admin-token of the data folder.")
  } catch {
    logOut("The broker does not answer.")
  } finally {
    isExchanging.value = false
  }
}
