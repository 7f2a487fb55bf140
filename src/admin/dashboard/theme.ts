/**
 * Light, dark, or as the system says. Kept in this browser; set as `data-theme` of the document, from which style.css
 * takes its colours. Charts draw on a canvas, so they ask here what a colour is by now.
 */
import { computed, effect, signal } from "@preact/signals"

const KEY = "promptmq-theme"
const themes = ["system", "light", "dark"] as const
type Theme = (typeof themes)[number]

const stored = localStorage.getItem(KEY)
export const theme = signal<Theme>(themes.find((each) => each === stored) ?? "system")

const systemIsDark = matchMedia("(prefers-color-scheme: dark)")
const isSystemDark = signal(systemIsDark.matches)
systemIsDark.addEventListener("change", ({ matches }) => {
  isSystemDark.value = matches
})

/** What is seen now, whoever chose it. */
export const isDark = computed(() => theme.value === "dark" || (theme.value === "system" && isSystemDark.value))

export const nextTheme = (): void => {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] as Theme
}

effect(() => {
  localStorage.setItem(KEY, theme.value)
  if (theme.value === "system") delete document.documentElement.dataset["theme"]
  else document.documentElement.dataset["theme"] = theme.value
})

/** A colour of style.css, as charts need it. */
export const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
