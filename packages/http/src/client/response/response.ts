/** Converts an exchange to a `Response`. */
import { appendAll } from './headers.ts'
import type { Decoded } from './decode.ts'
import { override, PlatformResponse } from './override.ts'
import { BufferedResponse } from './buffered-response.ts'

/** A `Response` that knows its URL, which the constructor has no parameter for. */
class StreamedAnswer extends PlatformResponse {
  readonly #url: string
  readonly #redirected: boolean

  constructor(body: ReadableStream<Uint8Array> | null, init: ResponseInit, url: string, redirected: boolean) {
    super(body, init)
    this.#url = url
    this.#redirected = redirected
  }

  static {
    override(StreamedAnswer.prototype, {
      getters: { url: (answer) => answer.#url, redirected: (answer) => answer.#redirected },
    })
  }

  override clone(): Response {
    const { body, status, statusText, headers } = super.clone()
    return new StreamedAnswer(body, { status, statusText, headers }, this.#url, this.#redirected)
  }
}

export function responseOf(
  { status, statusText: text, fields, body }: Decoded,
  url: URL,
  redirected: boolean,
): Response {
  const statusText = reasonOf(text)
  if (Buffer.isBuffer(body))
    return new BufferedResponse({ bytes: body, status, statusText, fields, url: url.href, redirected })
  const answer = new StreamedAnswer(body, { status, statusText }, url.href, redirected)
  appendAll(answer.headers, fields)
  return answer
}

/**
 * Returns a reason phrase that `Response` accepts (RFC 9112 §4). An invalid phrase is dropped, because programs do not
 * use it.
 */
function reasonOf(text: string): string {
  return text === 'OK' || /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text) ? text : ''
}
