/**
 * What is used of the library `jose`, by name: bundled is this and not the rest of it (encryption, key generation).
 * Imported when the first provider that reads tokens is opened (jwt-provider.ts), and by nobody before.
 */
export { createLocalJWKSet, errors, jwtVerify } from "jose"
