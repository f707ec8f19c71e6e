/** How hostile code bypasses Troupe's own runtime: by the ports of a thread, or by the pipe of its own process. */
import { EventEmitter } from 'node:events'
import { serialize } from 'node:v8'
import { isMainThread } from 'node:worker_threads'
import { heardOn, kernelPort, peerPort, post, tell } from './port.ts'
import { frame, writeWhole } from './raw-pipe.ts'

export interface Speaker {
  /** Sends signals to another thread. */
  readonly toPeer: (thread: number, signals: readonly unknown[]) => void
  /** Everything that the kernel has sent since. */
  readonly heard: unknown[]
}

/** A pipe to the kernel, which also carries the channels of other threads. */
function byPipe(): Speaker {
  const heard: unknown[] = []
  const introduced = new Set<number>()
  const emitter = EventEmitter.prototype
  const own = Object.getOwnPropertyDescriptor(emitter, 'emit')
  Object.defineProperty(emitter, 'emit', {
    ...own,
    value(this: EventEmitter, name: string | symbol, ...args: unknown[]): unknown {
      if (name === 'message') heard.push(args[0])
      const emit: unknown = own?.value
      return typeof emit === 'function' && Reflect.apply(emit, this, [name, ...args])
    },
  })
  return {
    heard,
    toPeer: (thread, signals) => {
      if (!introduced.has(thread)) tell({ type: 'connect', thread })
      introduced.add(thread)
      writeWhole(frame(thread + 1, serialize(signals)))
    },
  }
}

function byPorts(): Speaker {
  const heard: unknown[] = []
  const ports = new Map<number, Promise<object>>()
  heardOn(kernelPort(), (message) => {
    heard.push(message)
  })
  return {
    heard,
    toPeer: (thread, signals) => {
      const known = ports.get(thread) ?? peerPort(thread)
      ports.set(thread, known)
      void known.then((port) => {
        post(port, signals)
      })
    },
  }
}

let known: Speaker | undefined

/** The speaker of this thread. */
export function speaker(): Speaker {
  known ??= isMainThread ? byPipe() : byPorts()
  return known
}
