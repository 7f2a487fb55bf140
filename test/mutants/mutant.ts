/**
 * The shape of a mutant: one line of src, broken on purpose, and the tests that must notice.
 */
export interface Mutant {
  readonly file: string
  /** Exact text, occurring once in the file. */
  readonly find: string
  readonly replace: string
  /** The statement that the broken line fulfils; cited in the file near the break. */
  readonly statement: string
  /** At least one test of these files must fail. */
  readonly tests: ReadonlyArray<string>
}
