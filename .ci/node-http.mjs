/**
 * Node's http module without what loads with it when it is imported: import asks for every export, one of them is the browser's
 * WebSocket, and that is the whole of undici: 45 ms of a start instead of 5. build.mjs puts this in the module's place; a name
 * that is missing here ends the build.
 */
const http = process.getBuiltinModule("node:http")

export const { Agent, createServer, request, STATUS_CODES } = http
