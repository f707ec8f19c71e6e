/** A `Response` whose whole body has arrived with its head. */
import { type ResponseHeaders, appendAll } from './headers.ts'
import { inspect, type InspectOptions } from 'node:util'
import { lightResponse, override, PlatformResponse } from './override.ts'

interface Whole {
  readonly bytes: Buffer
  readonly status: number
  readonly statusText: string
  readonly fields: ResponseHeaders
  readonly url: string
  readonly redirected: boolean
}

const byteOrderMark = '\uFEFF'

/**
 * Creates the stream and the `Headers` only when they are used: together with the garbage collection for them they cost
 * half as much as the request (`docs/discoveries/0030-what-a-response-costs.md`).
 */
export class BufferedResponse extends lightResponse() {
  readonly #whole: Whole
  #used = false
  #headers: Headers | undefined
  /**
   * The platform's own `Response`, created for features that this class does not implement; it takes over from there.
   */
  #standard: Response | undefined

  constructor(whole: Whole) {
    super()
    this.#whole = whole
  }

  static {
    override(BufferedResponse.prototype, {
      getters: {
        status: (answer) => answer.#whole.status,
        ok: (answer) => answer.#whole.status >= 200 && answer.#whole.status < 300,
        statusText: (answer) => answer.#whole.statusText,
        type: () => 'default',
        url: (answer) => answer.#whole.url,
        redirected: (answer) => answer.#whole.redirected,
        headers: (answer) => answer.#filled(),
        body: (answer) => answer.#made().body,
        bodyUsed: (answer) => answer.#standard?.bodyUsed ?? answer.#used,
      },
      methods: {
        text: async (answer) => answer.#text(),
        json: async (answer): Promise<unknown> => JSON.parse(await answer.#text()),
        bytes: async (answer) => answer.#bytes(),
        arrayBuffer: async (answer) => (await answer.#bytes()).buffer,
        blob: async (answer) => answer.#made().blob(),
        // oxlint-disable-next-line typescript/no-deprecated -- The caller sees the deprecation.
        formData: async (answer) => answer.#made().formData(),
      },
    })
    // The platform's own shows the state that its constructor would have made.
    Object.defineProperty(BufferedResponse.prototype, inspect.custom, {
      value(this: BufferedResponse, _depth: number, options: InspectOptions, show: typeof inspect) {
        const { status, statusText, headers, body, bodyUsed, ok, redirected, type, url } = this
        return `Response ${show({ status, statusText, headers, body, bodyUsed, ok, redirected, type, url }, options)}`
      },
    })
  }

  override clone(): Response {
    if (this.#standard === undefined && !this.#used) {
      const copy = new BufferedResponse(this.#whole)
      copy.#headers = new Headers(this.#filled())
      return copy
    }
    return this.#made().clone()
  }

  async #text(): Promise<string> {
    if (this.#standard !== undefined) return this.#standard.text()
    const text = this.#take().toString('utf8')
    return text.startsWith(byteOrderMark) ? text.slice(1) : text
  }

  async #bytes(): Promise<Uint8Array> {
    // A copy, because the received bytes may lie in a shared buffer.
    return this.#standard === undefined ? new Uint8Array(this.#take()) : this.#standard.bytes()
  }

  #take(): Buffer {
    if (this.#used) throw new TypeError('Body is unusable: Body has already been read')
    this.#used = true
    return this.#whole.bytes
  }

  #filled(): Headers {
    if (this.#headers === undefined) appendAll((this.#headers = new Headers()), this.#whole.fields)
    return this.#headers
  }

  #made(): Response {
    if (this.#standard !== undefined) return this.#standard
    const { bytes, status, statusText } = this.#whole
    this.#standard = new PlatformResponse(new Uint8Array(bytes), { status, statusText, headers: this.#filled() })
    // A body that was read here counts as read there.
    if (this.#used) void this.#standard.arrayBuffer()
    return this.#standard
  }
}
