/**
 * Assertions about ourselves.
 *
 * An assertion guards an invariant of this program: when it does not hold, the program is wrong and must
 * not go on. What a client, a file or an operator gets wrong is never asserted, it is answered as a value
 * (a Fault or a tagged error).
 */

/** Thrown when an invariant is broken. Nobody catches it to carry on. */
export class BrokenInvariant extends Error {
  override readonly name = "BrokenInvariant"
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BrokenInvariant(message)
}
