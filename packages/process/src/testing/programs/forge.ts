/** A program that tries to pass for another, and to break the kernel. */
import { open } from 'node:fs/promises'
import { MessageChannel, MessagePort, parentPort, workerData } from 'node:worker_threads'
import { asTroupeError, pid } from '@troupe/core'
import { currentRuntime, processes, self } from '@troupe/process'

/** What a thread finds of the kernel's wires. */
export function findings() {
  const data: unknown = workerData
  return { data: typeof data === 'object' && data !== null ? Object.keys(data) : [], parent: parentPort !== null }
}

/** Posts hand-made envelopes to whatever listens at the parent's port. */
export function shout(victim: string) {
  for (const message of Object.values(envelopes(victim, self.pid))) parentPort?.postMessage(message)
  parentPort?.postMessage({ type: 'ready' })
}

function envelopes(victim: string, own: string): Readonly<Record<string, unknown>> {
  return {
    'a request without a sender': { type: 'request', number: 1e6, by: 'me', name: 'terminate', ask: { pid: victim } },
    'the end of another': { type: 'finished', pid: victim, exit: 'forged' },
    'dead letters that are none': { type: 'deadLetters', letters: null, dropped: 'many' },
    'a connection to nothing': { type: 'connect' },
    'a request of a name that objects have': {
      type: 'request',
      number: 1e6 + 1,
      by: own,
      name: 'constructor',
      ask: {},
    },
    'half a request': { type: 'request', number: 1e6 + 2 },
    'a claim of an overlay': { type: 'claim', overlay: { toString: 5 } },
    'a start message for another process': { type: 'processStarted', pid: victim, by: victim },
    'a start message without a request': {
      type: 'processStarted',
      pid: own.replace('.1>', '.7>'),
      by: own,
      entry: 'app:talk.echo',
      inherit: { values: {} },
    },
    'an unknown type': { type: 'nonsense' },
    'a type that is no text': { type: Symbol.iterator.description?.length },
    null: null,
    nothing: undefined,
    'a text': 'text',
    'a number': 5,
    'a list': [{ type: 'connect', thread: 0 }],
    'one field too many': { type: 'connect', thread: 0, more: true },
    'an output of nothing': { type: 'output', stream: 1, chunk: { length: 5 } },
    'an output of shared memory': { type: 'output', stream: 3, chunk: 'x' },
  }
}

export const nonsense = Object.keys(envelopes('<0.0>', '<0.0>'))

/** Nests values deeper than the stack of the main thread is high, and sends them everywhere. */
export async function deep(victim: string, kind: 'list' | 'map' | 'error') {
  const { kernel } = currentRuntime()
  for (const depth of [1000, 2000, 4000, 6000, 9000, 14_000]) {
    let value: unknown = 1
    for (let i = 0; i < depth; i += 1) {
      value =
        kind === 'list'
          ? [value]
          : kind === 'map'
            ? new Map([[1, value]])
            : Object.assign(new Error('deep'), { cause: value })
    }
    const line = {
      level: 'info' as const,
      time: 0,
      message: 'deep',
      fields: { value },
      trace: undefined,
      overlay: undefined,
    }
    await Promise.allSettled([processes.send(victim, 'deep', value), kernel.request('log', line, self.pid)])
  }
  return 'done'
}

/** Asks in the name of another process. */
export async function claim(victim: string) {
  const { kernel } = currentRuntime()
  return kernel.request('terminate', { pid: pidOf(victim) }, pidOf(victim))
}

function tell(message: unknown): void {
  const { kernel } = currentRuntime()
  const say: unknown = Reflect.get(kernel, 'notify')
  if (typeof say === 'function') Reflect.apply(say, kernel, [message])
}

/** Sends the kernel malformed messages over its own port, and then a valid request. */
export async function babble(victim: string, name: string) {
  tell(envelopes(victim, self.pid)[name])
  return processes.names.lookup('unknown')
}

/** Asks what has not the form of a question. Answers with the kinds of the errors. */
export async function misask() {
  const { kernel } = currentRuntime()
  const answers: Record<string, unknown> = {}
  for (const name of [
    'spawn',
    'evaluate',
    'program',
    'upgrade',
    'terminate',
    'cancel',
    'register',
    'unregister',
    'lookup',
    'permit',
    'can',
  ]) {
    for (const ask of [{ pid: 5, name: 5, entry: [], action: {} }, { more: { than: ['is', 'asked'] } }]) {
      const request: unknown = Reflect.get(kernel, 'request')
      if (typeof request !== 'function') continue
      const answer: unknown = Reflect.apply(request, kernel, [name, ask, self.pid])
      answers[`${name} ${Object.keys(ask).length}`] = await Promise.resolve(answer).then(
        () => 'answered',
        (error: unknown) => asTroupeError(error).kind,
      )
    }
  }
  return answers
}

/** The port by which something is posted. */
function rawPort(work: () => void): MessagePort | undefined {
  const ports: MessagePort[] = []
  const own = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'postMessage')
  Object.defineProperty(MessagePort.prototype, 'postMessage', {
    configurable: true,
    value(this: MessagePort) {
      ports.push(this)
    },
  })
  work()
  Object.defineProperty(MessagePort.prototype, 'postMessage', own ?? {})
  return ports[0]
}

/** Posts handles to the kernel by the raw port: of files, native handles, ports and streams, where none is expected. */
export async function handles(where: 'request' | 'nonsense' | 'list') {
  const port = rawPort(() => {
    tell({ type: 'connect', thread: 0 })
  })
  const file = await open('/etc/hostname')
  const native: unknown = Reflect.get(
    file,
    Object.getOwnPropertySymbols(file).find((symbol) => String(symbol).includes('kHandle')) ?? '',
  )
  const { port1 } = new MessageChannel()
  const [list, moved] = [Object.assign([1], { file: native }), [native, port1]]
  const value = where === 'list' ? { list, port1 } : { file: native, deep: new Map([[1, [port1]]]) }
  const ask = { entry: 'app:forge.handles', args: [value], choice: {}, inherit: { values: {} } }
  const message =
    where === 'nonsense' ? { type: 'x', value } : { type: 'request', number: 1e6, by: self.pid, name: 'call', ask }
  const post: unknown = port && Reflect.get(port, 'postMessage')
  if (typeof post === 'function') Reflect.apply(post, port, [message, moved])
  await new Promise((resolve) => setTimeout(resolve, 60_000))
}

/** Posts to the kernel for some seconds, without regard for its credit. */
export function flood() {
  const port = rawPort(() => {
    tell({ type: 'connect', thread: 0 })
  })
  const end = Date.now() + 5000
  while (Date.now() < end) port?.postMessage({ type: 'connect', thread: 0 })
}

/** Asks much in one turn. Answers with how much was answered. */
export async function chatter(count: number) {
  const { kernel } = currentRuntime()
  const asked = Array.from({ length: count }, async () => kernel.request('lookup', { name: 'unknown' }, self.pid))
  return (await Promise.all(asked)).length
}

function pidOf(text: string) {
  const [thread = 0, serial = 0] = text.replaceAll(/[<>]/g, '').split('.').map(Number)
  return pid(thread, serial)
}
