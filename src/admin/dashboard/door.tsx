/** Without a token nothing is shown but this. */
import { useState } from "preact/hooks"
import { logIn, loginFact, logOut } from "./session.ts"

export const Door = () => {
  const [value, setValue] = useState("")
  const [isBusy, setBusy] = useState(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    const good = await isGood(value.trim())
    setBusy(false)
    if (good === true) logIn(value.trim())
    else logOut(good)
  }
  return (
    <main class="door">
      <h1>PromptMQ</h1>
      <p>
        Open the link that the broker printed at its start, or give the token: it is in the file{" "}
        <code>admin-token</code> of the data folder.
      </p>
      <form onSubmit={submit}>
        <label>
          Token
          <input
            type="password"
            autocomplete="current-password"
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
            required
          />
        </label>
        <button type="submit" disabled={isBusy}>
          Log in
        </button>
      </form>
      {loginFact.value === "" ? null : <p role="alert">{loginFact.value}</p>}
    </main>
  )
}

const isGood = async (value: string): Promise<true | string> => {
  try {
    const response = await fetch("/api/v1/whoami", { headers: { authorization: `Bearer ${value}` } })
    return response.ok || "This token is not valid."
  } catch {
    return "The broker does not answer."
  }
}
