/** Without a token nothing is shown but this: why, and how to get in. */
import { useSignal } from "@preact/signals"
import { logIn, loginFact, logOut } from "./session.ts"

export const Door = () => {
  const value = useSignal("")
  const isBusy = useSignal(false)
  const submit = async (event: Event) => {
    event.preventDefault()
    isBusy.value = true
    const good = await isGood(value.value.trim())
    isBusy.value = false
    if (good === true) logIn(value.value.trim())
    else logOut(good)
  }
  return (
    <main class="door">
      <div class="panel">
        <h1>
          <img src={new URL("./icon.svg", import.meta.url).href} alt="" width="28" height="28" /> PromptMQ
        </h1>
        {loginFact.value === "" ? null : (
          <p class="verdict warn" role="alert">
            {loginFact.value}
          </p>
        )}
        <form onSubmit={submit}>
          <label>
            Token
            <input
              type="password"
              autocomplete="current-password"
              value={value.value}
              onInput={(event) => (value.value = event.currentTarget.value)}
              required
            />
          </label>
          <button type="submit" disabled={isBusy.value}>
            Log in
          </button>
        </form>
        <p class="soft">Two ways in:</p>
        <ol class="soft">
          <li>
            Open the link that the broker prints at its start. It is good once, for ten minutes; a restart prints a new
            one.
          </li>
          <li>
            Give the token from the file <code>admin-token</code> in the broker's data folder, or one that{" "}
            <code>promptmq token add</code> made.
          </li>
        </ol>
      </div>
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
