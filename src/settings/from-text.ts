/**
 * The text of a variable or a flag as the value it would have been in YAML.
 *
 *   boolean        true | false         integer, size   digits become a number
 *   list           a,b,c                records         JSON
 *                                       everything else stays text
 *
 * What does not fit stays text, and the setting's own decoder says what is wrong with it: one judge.
 */
import type { Leaf } from "./leaves.ts"

export const valueFromText = (leaf: Leaf, text: string): unknown => {
  switch (leaf.kind) {
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text
    case "integer":
    case "size":
      return /^[+-]?\d{1,15}(\.\d+)?$/.test(text.trim()) ? Number(text) : text
    case "duration":
      return text.trim() === "0" ? 0 : text
    case "list":
      return text.trim() === "" ? "" : text.split(",").map((item) => item.trim())
    case "records":
      return text.trim() === "" ? "" : jsonOrText(text)
    case "text":
    case "choice":
      return text
  }
}

const jsonOrText = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
