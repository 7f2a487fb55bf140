/**
 * One name of the project this one grew out of, and what it is here. The tables of this folder list every name that its
 * documents (doc) or its source (src) had; "A16" and the like number the paragraphs of the list they were taken from.
 *
 * The tests of this folder make their checks from the tables: what is said to be here is looked for in a running broker,
 * on its command line, in its API; what is said not to be taken must be refused with words, never ignored.
 */

export type Here =
  /** Under the same name. */
  | { readonly as: "same" }
  /** Understood or told as another word for `of`. */
  | { readonly as: "alias"; readonly of: string }
  /** Another name does the same. */
  | { readonly as: "renamed"; readonly to: string; readonly because: string }
  | { readonly as: "not taken"; readonly because: string }

export const same: Here = { as: "same" }
export const alias = (of: string): Here => ({ as: "alias", of })
export const renamed = (to: string, because: string): Here => ({ as: "renamed", to, because })
export const notTaken = (because: string): Here => ({ as: "not taken", because })

export const duplicates = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.filter((name, index) => names.indexOf(name) !== index)
