/** Small drawings, 16 by 16, in the colour of the text beside them. They are never the only thing that says something. */
import type { ComponentChildren } from "preact"

const Icon = ({ children }: { readonly children: ComponentChildren }) => (
  <svg class="glyph" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
    {children}
  </svg>
)

const drawn = (path: string) => () => (
  <Icon>
    <path d={path} />
  </Icon>
)

export const CopyIcon = drawn(
  "M5.5 5.5V3.2c0-.4.3-.7.7-.7h6.6c.4 0 .7.3.7.7v6.6c0 .4-.3.7-.7.7h-2.3M2.5 6.2v6.6c0 .4.3.7.7.7h6.6c.4 0 .7-.3.7-.7V6.2c0-.4-.3-.7-.7-.7H3.2c-.4 0-.7.3-.7.7z"
)
export const TickIcon = drawn("M3 8.5l3.2 3.2L13 4.8")
export const MenuIcon = drawn("M2.5 4.5h11M2.5 8h11M2.5 11.5h11")
export const ThemeIcon = drawn("M8 2.5v11M8 2.5a5.5 5.5 0 0 1 0 11a5.5 5.5 0 0 1 0-11M10.2 4.2v7.6M12.2 6v4")
export const OutIcon = drawn("M6.5 2.5H3.2c-.4 0-.7.3-.7.7v9.6c0 .4.3.7.7.7h3.3M10 5l3 3-3 3M13 8H6.5")

/** By the path of the page. */
export const pageIcons: Readonly<Record<string, () => preact.JSX.Element>> = {
  "/": drawn("M2.5 9.5h2.6l1.7-6 2.6 9 1.7-5h2.4"),
  "/clients": drawn("M8 7.5a2.5 2.5 0 1 0 0-5a2.5 2.5 0 0 0 0 5zM3 13.5c.3-2.6 2.3-4 5-4s4.7 1.4 5 4"),
  "/topics": drawn("M3 2.500v9.500h3M3 6h3M8.5 4.500h5v3h-5zM8.5 10.500h5v3h-5z"),
  "/publish": drawn("M13.5 2.500L2.5 7l4.5 2 2 4.500zM13.5 2.500L7 9"),
  "/retained": drawn("M4 2.500h8v11L8 10.500l-4 3z"),
  "/queues": drawn("M2.5 3h11v3h-11zM2.5 8h11M2.5 10.500h11M2.5 13h11"),
  "/drops": drawn("M8 2c2.6 3 4 5.2 4 7.200A4 4 0 0 1 4 9.200C4 7.2 5.4 5 8 2z"),
  "/trace": drawn(
    "M3.5 5a1.5 1.5 0 1 0 0-3a1.5 1.5 0 0 0 0 3zM12.5 14a1.5 1.5 0 1 0 0-3a1.5 1.5 0 0 0 0 3zM5 3.500h4a2.2 2.2 0 0 1 0 4.500H7a2.2 2.2 0 0 0 0 4.500h4"
  ),
  "/storage": drawn(
    "M8 5.500c3 0 5-.7 5-1.700S11 2.2 8 2.200s-5 .7-5 1.6 2 1.7 5 1.700zM3 3.800v8.300c0 1 2 1.7 5 1.700s5-.7 5-1.700V3.800M3 8c0 1 2 1.7 5 1.700s5-.7 5-1.7"
  ),
  "/security": drawn("M8 2l5 2v4c0 3-2 5-5 6-3-1-5-3-5-6V4z"),
  "/config": drawn(
    "M2.5 4.500h6M11.5 4.500h2M10 6a1.5 1.5 0 1 0 0-3a1.5 1.5 0 0 0 0 3zM2.5 11.500h2M7.5 11.500h6M6 13a1.5 1.5 0 1 0 0-3a1.5 1.5 0 0 0 0 3z"
  ),
  "/logs": drawn("M3 3.500h10M3 6.500h7M3 9.500h10M3 12.500h5")
}
