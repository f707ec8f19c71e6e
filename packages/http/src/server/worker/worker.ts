/** A thread that responds to requests, from the side of its server. */
import type { MessagePort } from 'node:worker_threads'
import { errorFromWire, type Pid, TroupeError } from '@troupe/core'
import { BodyReceiver, BodySender } from './body-transfer.ts'
import type { FromWorker, WorkerRequest, WorkerResponse, ToWorker } from './protocol.ts'

/** The request that it handles. */
interface Present {
  readonly number: number
  readonly resolve: (response: Response) => void
  readonly reject: (error: unknown) => void
  readonly sender: BodySender | undefined
  receiver?: BodyReceiver
}

export interface RequestWorkerEvents {
  /** Called when the next request may come. */
  readonly onFree: (worker: RequestWorker) => void
  /** Called when its thread has ended. */
  readonly onGone: (worker: RequestWorker) => void
}

export class RequestWorker {
  readonly pid: Pid
  /** By the clock of `performance`. */
  idleSince = 0
  readonly #port: MessagePort
  readonly #events: RequestWorkerEvents
  #number = 0
  #present: Present | undefined
  #isGone = false

  constructor(pid: Pid, port: MessagePort, events: RequestWorkerEvents) {
    this.pid = pid
    this.#port = port
    this.#events = events
    port.on('message', (message: FromWorker) => {
      this.#onMessage(message)
    })
    port.once('close', () => {
      this.#isGone = true
      this.#fail(new TroupeError('Internal', 'the thread ended while it handled the request'))
      events.onGone(this)
    })
  }

  /** Returns whether its thread has ended. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Returns whether it still handles the request of that number. */
  answers(number: number | undefined): boolean {
    return number !== undefined && this.#present?.number === number
  }

  /** Responds to a request. @throws the error of its function; TroupeError `Internal` when its thread ends. */
  async answer(request: WorkerRequest, body: ReadableStream<Uint8Array> | undefined): Promise<Response> {
    this.#number += 1
    const number = this.#number
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const sender =
      body &&
      new BodySender({ reader: body.getReader(), ahead: [] }, (part, transfer = []) => this.#post({ type: 'sent', number, part }, transfer))
    this.#present = { number, resolve, reject, sender }
    try {
      this.#post({ type: 'request', number, request }, request.body instanceof Uint8Array ? [request.body.buffer] : [])
    } catch (error) {
      this.#freed(this.#present)
      throw error
    }
    return promise
  }

  /** Cancels the current request. Returns its number. */
  cancel(reason: string): number | undefined {
    const present = this.#present
    if (present === undefined) return undefined
    this.#post({ type: 'cancel', number: present.number, reason })
    present.sender?.stop(reason)
    return present.number
  }

  close(): void {
    this.#port.close()
  }

  #onMessage(message: FromWorker): void {
    const present = this.#present
    if (present?.number !== message.number) return
    switch (message.type) {
      case 'response':
        this.#responded(message.response, present)
        return
      case 'failed':
        present.reject(errorFromWire(message.error))
        return
      case 'sent':
        present.receiver?.onPart(message.part)
        return
      case 'wanted':
        present.sender?.onPart(message.part)
        return
      case 'free':
        this.#freed(present)
        return
      default:
    }
  }

  #responded({ status, headers, body }: WorkerResponse, present: Present): void {
    const { number } = present
    if (body === 'stream')
      present.receiver = new BodyReceiver((part, transfer = []) => this.#post({ type: 'wanted', number, part }, transfer))
    else this.#freed(present)
    try {
      present.resolve(new Response(body === 'stream' ? present.receiver?.stream : body.whole, { status, headers: fieldsOf(headers) }))
    } catch (error) {
      present.reject(error)
      if (body === 'stream') this.#post({ type: 'wanted', number, part: { type: 'enough' } })
    }
  }

  #freed(present: Present): void {
    present.sender?.stop('the request was answered')
    this.#present = undefined
    this.#events.onFree(this)
  }

  #fail(error: TroupeError): void {
    const present = this.#present
    this.#present = undefined
    present?.reject(error)
    present?.receiver?.fail(error)
    present?.sender?.stop(error.message)
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    if (!this.#isGone) this.#port.postMessage(message, [...transfer])
  }
}

/** Several values of one name, as cookies have, need the long form. */
function fieldsOf(headers: WorkerResponse['headers']): Record<string, string> | Headers {
  const single: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') return severalOf(headers)
    single[name] = value
  }
  return single
}

function severalOf(headers: WorkerResponse['headers']): Headers {
  const fields = new Headers()
  for (const [name, values] of Object.entries(headers)) for (const value of [values].flat()) fields.append(name, value)
  return fields
}
