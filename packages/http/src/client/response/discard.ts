/** Reads the body of a response that is not used, so that its connection can be used again; a long one is cut off. */
import type { Exchange } from './exchange.ts'

const mostBytes = 64 * 1024

/** Cancels a body, and its connection with it. */
export async function cancelBody({ body }: Exchange): Promise<void> {
  if (body !== null && !Buffer.isBuffer(body)) await body.cancel()
}

export async function discard({ body }: Exchange): Promise<void> {
  if (body === null || Buffer.isBuffer(body)) return
  let length = 0
  try {
    for await (const chunk of body) {
      length += chunk.byteLength
      if (length > mostBytes) return
    }
  } catch {
    // The body is not used. If the request itself has ended, the next step fails.
  }
}
