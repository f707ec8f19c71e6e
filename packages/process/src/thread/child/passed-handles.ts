/** Connections that the kernel passes to this process: what it says about them, and the connections themselves, come by two ways. */
import type { PassedHandle } from '../../pipe/messages.ts'
import type { ToThread } from '../../protocol/kernel-thread.ts'

type Answer = Extract<ToThread, { type: 'answer' }>

export class PassedHandles {
  /** Connections that have come before the answer that they belong to. */
  readonly #handles = new Map<number, object>()
  /** Answers that wait for their connection. */
  readonly #answers = new Map<number, (handle: object) => void>()

  constructor() {
    process.on('message', (note: unknown, handle: unknown) => {
      if (isPassed(note) && typeof handle === 'object' && handle !== null) this.#came(note.passed, handle)
    })
    // The channel is for the kernel alone, which reads nothing that comes by it.
    process.channel?.unref()
    Reflect.deleteProperty(process, 'send')
  }

  /** Returns the message if it brings no connection; else hands it on to `deliver` once that is there. */
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
  return 'type' in message && message.type === 'answer' && 'value' in message && typeof message.value === 'object' && message.value !== null
}

function isPassed(value: unknown): value is PassedHandle {
  return typeof value === 'object' && value !== null && 'passed' in value && typeof value.passed === 'number'
}
