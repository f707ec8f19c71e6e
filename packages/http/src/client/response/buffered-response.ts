/** A `Response` whose whole body has come with its head. */
import { type ResponseHeaders, appendAll } from './headers.ts'
import { override, PlatformResponse } from './override.ts'

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
 * Neither the stream nor the `Headers` are made until somebody asks for them: together with what the garbage collector has to do for
 * them they cost half as much as the request (`docs/discoveries/0030-what-a-response-costs.md`).
 */
export class BufferedResponse extends PlatformResponse {
  readonly #whole: Whole
  #used = false
  #headers: Headers | undefined
  /** The same, made by the platform, once something was asked for that is not done here; it goes on from there. */
  #standard: Response | undefined

  constructor(whole: Whole) {
    super(null, whole)
    this.#whole = whole
  }

  static {
    override(BufferedResponse.prototype, {
      getters: {
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
        // oxlint-disable-next-line typescript/no-deprecated -- Whoever calls it was told.
        formData: async (answer) => answer.#made().formData(),
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
    // A copy: what has come may lie in a buffer that others share.
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
    // What was read here is read there.
    if (this.#used) void this.#standard.arrayBuffer()
    return this.#standard
  }
}
