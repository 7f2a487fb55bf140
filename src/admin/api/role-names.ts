/**
 * Roles of the admin API, in rising order: an operator may do what a viewer may.
 *
 * Without any schema: commands know them, too.
 */
export const roles = ["viewer", "operator", "admin"] as const
