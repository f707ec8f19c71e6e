/** Holds a connection open, and reports its descriptor. */
import net from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const socket = net.connect(Number(workerData), '127.0.0.1').on('error', () => undefined)
socket.once('connect', () => {
  const handle: unknown = Reflect.get(socket, '_handle')
  const descriptor: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  parentPort?.postMessage(descriptor)
})
