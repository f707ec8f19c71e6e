/** Ways for code in a thread to obtain the ports that Troupe and Node use. */
import { isMainThread, MessagePort } from 'node:worker_threads'
import { currentRuntime } from '@troupe/process'
import { pipePort } from './raw-pipe.ts'

/** Sends the kernel a message that the types would not allow. */
export function tell(message: unknown): void {
  const { kernel } = currentRuntime()
  const say: unknown = Reflect.get(kernel, 'notify')
  if (typeof say === 'function') Reflect.apply(say, kernel, [message])
}

/** The port to the kernel; in a process of its own, what leads there. */
export function kernelPort(): object {
  return isMainThread ? pipePort(0) : threadPort()
}

export function heardOn(port: object, take: (message: unknown) => void): void {
  if (port instanceof MessagePort) port.on('message', take)
}

function threadPort(): MessagePort {
  const ports: MessagePort[] = []
  const own = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'postMessage')
  Object.defineProperty(MessagePort.prototype, 'postMessage', {
    configurable: true,
    value(this: MessagePort) {
      ports.push(this)
    },
  })
  tell({ type: 'connect', thread: 0 })
  Object.defineProperty(MessagePort.prototype, 'postMessage', own ?? {})
  const [port] = ports
  if (port === undefined) throw new Error('there is no port to the kernel')
  return port
}

const introduced = new Map<number, MessagePort>()

interface Introduction {
  readonly type: string
  readonly thread: number
  readonly port: MessagePort
}

/** Keeps the ports of threads that the kernel introduces from now on: it introduces each one once. */
export function keepPorts(): void {
  threadPort().on('message', ({ type, thread, port }: Introduction) => {
    if (type === 'channel') introduced.set(thread, port)
  })
}

/** The port to another thread, once the kernel has introduced it. */
export async function peerPort(thread: number): Promise<object> {
  if (isMainThread) {
    post(kernelPort(), { type: 'connect', thread })
    return pipePort(thread + 1)
  }
  const known = introduced.get(thread)
  if (known !== undefined) return known
  const port = threadPort()
  const { promise, resolve } = Promise.withResolvers<MessagePort>()
  port.on('message', (message: Introduction) => {
    if (message.type === 'channel' && message.thread === thread) resolve(message.port)
  })
  tell({ type: 'connect', thread })
  return promise
}

/** Node's own port, and all others that keep the thread running. */
export function nodePorts(): readonly MessagePort[] {
  const found = [process.stdout, process.stderr, process.stdin].flatMap((stream) =>
    Object.getOwnPropertySymbols(stream).map((symbol): unknown => Reflect.get(stream, symbol)),
  )
  return found.filter((value) => value instanceof MessagePort)
}

/** Posts a message through a port, with a transfer list. */
export function post(port: object, message: unknown, moved: readonly unknown[] = []): void {
  const send: unknown = Reflect.get(port, 'postMessage')
  if (typeof send === 'function') Reflect.apply(send, port, [message, moved])
}
