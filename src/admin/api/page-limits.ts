/**
 * Rows of one answer of a list, as the API's queries and the pages of views/ know them.
 *
 * Without any schema: it is loaded at the broker's start, which does not wait for schemas.
 */
export const pageLimitDefault = 100
export const pageLimitMax = 10_000
