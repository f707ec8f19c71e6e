/** Cancels bodies that are not sent: their source is notified at once. */
import { TroupeError } from '@troupe/core'
import { isWhole } from './response-parts.ts'

/** Cancels the body of a response that will not be read. Never throws. */
export function discard(response: Response, why = 'the response is not sent'): void {
  try {
    if (isWhole(response)) return
    const body: ReadableStream<Uint8Array> | null = response.body
    if (body !== null && !body.locked) body.cancel(new TroupeError('Canceled', why)).catch(() => undefined)
  } catch {
    // The body was never readable.
  }
}

/** Returns the same response without its body, which is cancelled: for HEAD (RFC 9110, 9.3.2). */
export function headless(response: Response): Response {
  const { status, headers } = response
  discard(response, 'a response to HEAD has no content')
  return new Response(null, { status, headers })
}
