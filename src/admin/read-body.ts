/**
 * The body of a request, bounded by bodyBytesMax. GET has none that anybody looks at.
 *
 * A little too much is read to its end and thrown away, or the reset of the connection would hide the answer; a lot is left
 * where it is, and the connection ends.
 */
import type { IncomingMessage } from "node:http"

export const bodyBytesMax = 64 * 1024
/** A little too much is read to its end and thrown away, or the reset of the connection hides the answer. */
const bodyBytesReadMax = 16 * bodyBytesMax

export const tooLarge = "too-large"
/** Nobody waits for an answer any more. */
export const gone = "gone"

export const readBody = (request: IncomingMessage, method: string): Promise<Buffer | typeof tooLarge | typeof gone> => {
  if (method === "GET") return Promise.resolve(Buffer.alloc(0))
  return new Promise((resolve) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bodyBytesMax) chunks.push(chunk)
      else if (bytes > bodyBytesReadMax) {
        request.pause()
        resolve(tooLarge)
      }
    })
    request.on("end", () => resolve(bytes > bodyBytesMax ? tooLarge : Buffer.concat(chunks)))
    request.on("close", () => resolve(gone))
  })
}
