/**
 * A process in the main thread, called `observer`: programs report to it what happens to them, and the test reads that.
 */
import { emptyFrame, entryId } from '@troupe/core'
import { self } from '@troupe/process'
import { AttachedHost, type Kernel } from '@troupe/process/kernel'

export interface Observed {
  readonly topic: string
  readonly payload: unknown
}

let current: Observer | undefined

export class Observer {
  readonly observed: Observed[] = []
  #wake: () => void = () => undefined

  constructor(kernel: Kernel) {
    const host = new AttachedHost({ id: entryId('app:observers'), thread: kernel.thread, queueSize: 1024 })
    kernel.hosts.add(host)
    const entry = entryId('app:observer')
    const program = { entry, module: import.meta.url, method: 'observe' }
    kernel.spawn({ entry, program, host: host.id, args: [], frame: emptyFrame, name: 'observer' })
  }

  /** Returns the first reported message for which `find` returns a value. */
  async until<T>(find: (observed: Observed) => T | undefined): Promise<T> {
    for (;;) {
      for (const observed of this.observed) {
        const found = find(observed)
        if (found !== undefined) return found
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Records reported messages, from now on. */
  static start(kernel: Kernel): Observer {
    current = new Observer(kernel)
    return current
  }

  take(observed: Observed): void {
    this.observed.push(observed)
    this.#wake()
  }
}

export async function observe(): Promise<void> {
  for await (const { topic, payload } of self.inbox) current?.take({ topic, payload })
}
