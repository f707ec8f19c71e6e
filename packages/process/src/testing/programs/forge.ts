/** A program that tries to pass for another, and to break the kernel. */
import { parentPort, workerData } from 'node:worker_threads'
import { pid } from '@troupe/core'
import { currentRuntime, processes, self } from '@troupe/process'

/** What a thread finds of the kernel's wires. */
export function findings() {
  const data: unknown = workerData
  return { data: typeof data === 'object' && data !== null ? Object.keys(data) : [], parent: parentPort !== null }
}

/** Posts hand-made envelopes to whatever listens at the parent's port. */
export function shout(victim: string) {
  for (const message of envelopes(victim)) parentPort?.postMessage(message)
  parentPort?.postMessage({ type: 'ready' })
}

function envelopes(victim: string): unknown[] {
  return [
    { type: 'request', number: 1e6, by: victim, name: 'terminate', ask: { pid: victim } },
    { type: 'finished', pid: victim, exit: { value: 'forged' } },
    { type: 'deadLetters', letters: null, dropped: 'many' },
    { type: 'connect' },
    { type: 'request', number: 1e6 + 1, by: self.pid, name: 'constructor', ask: {} },
    { type: 'request', number: 1e6 + 2 },
    { type: 'claim', overlay: { toString: 5 } },
    { type: 'born', pid: victim, by: victim },
    { type: 'nonsense' },
    null,
    undefined,
    'text',
  ]
}

/** Asks in the name of another process. */
export async function claim(victim: string) {
  const { kernel } = currentRuntime()
  return kernel.request('terminate', { pid: pidOf(victim) }, pidOf(victim))
}

/** Tells the kernel nonsense over its own port, and then asks something that it must still answer. */
export async function babble(victim: string) {
  const { kernel } = currentRuntime()
  const tell: (message: never) => void = kernel.tell.bind(kernel)
  for (const message of envelopes(victim)) Reflect.apply(tell, undefined, [message])
  return processes.names.lookup('nobody')
}

function pidOf(text: string) {
  const [thread = 0, serial = 0] = text.replaceAll(/[<>]/g, '').split('.').map(Number)
  return pid(thread, serial)
}
