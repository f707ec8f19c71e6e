/**
 * Connections that the kernel passes to this process. The message about a connection and the connection itself arrive
 * over two channels.
 */
import type { PassedHandle } from '../../pipe/messages.ts'
import type { ToThread } from '../../protocol/kernel-thread.ts'

type Answer = Extract<ToThread, { type: 'answer' }>

export class PassedHandles {
  /** Connections that arrived before their message. */
  readonly #handles = new Map<number, object>()
  /** Messages that wait for their connection. */
  readonly #answers = new Map<number, (handle: object) => void>()

  constructor() {
    process.on('message', (note: unknown, handle: unknown) => {
      if (isPassed(note) && typeof handle === 'object' && handle !== null) this.#came(note.passed, handle)
    })
    // Only the kernel uses this channel, and it reads nothing from it.
    process.channel?.unref()
    Reflect.deleteProperty(process, 'send')
  }

  /**
   * Returns the message if it contains no connection. Otherwise passes it to `deliver` once the connection has arrived.
   */
  complete(message: object, deliver: (message: object) => void): object | undefined {
    if (!isAnswer(message)) return message
    const { value } = message
    const passed: unknown = typeof value === 'object' && value !== null && 'handle' in value ? value.handle : undefined
    if (!isPassed(passed)) return message
    const bring = (handle: object) => {
      deliver({ ...message, value: { ...value, handle } })
    }
    const handle = this.#handles.get(passed.passed)
    this.#handles.delete(passed.passed)
    if (handle === undefined) this.#answers.set(passed.passed, bring)
    else bring(handle)
    return undefined
  }

  #came(number: number, handle: object): void {
    const answer = this.#answers.get(number)
    this.#answers.delete(number)
    if (answer === undefined) this.#handles.set(number, handle)
    else answer(handle)
  }
}

function isAnswer(message: object): message is Answer & { readonly value: object } {
  return (
    'type' in message &&
    message.type === 'answer' &&
    'value' in message &&
    typeof message.value === 'object' &&
    message.value !== null
  )
}

function isPassed(value: unknown): value is PassedHandle {
  return typeof value === 'object' && value !== null && 'passed' in value && typeof value.passed === 'number'
}
