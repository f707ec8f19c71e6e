/**
 * The port by which Node itself communicates with a worker: about its output, its errors and its end. Code in the
 * worker can get access to it, and Node's own reader in this thread trusts every message: `null` would end the program.
 */
import { MessagePort, Worker } from 'node:worker_threads'
import { kernelWindow, Receipt } from '../shared-memory/credit.ts'
import { foreignIn } from '../protocol/foreign-handles.ts'
import { isRecord } from '../protocol/validators.ts'
import { PortReader } from '../channel/port-reader.ts'

/**
 * Reads what Node's side of a worker posts. When a message breaks that protocol, or too many arrive, it calls
 * `onBreach` and stops reading.
 */
export function readNodePort(worker: Worker, onBreach: (why: string) => void): void {
  const port = ownOf(worker, 'kPort')
  const onMessage = ownOf(Worker.prototype, 'kOnMessage')
  if (!(port instanceof MessagePort) || typeof onMessage !== 'function')
    throw new Error(`a worker of Node ${process.version} has no port that Troupe knows how to guard`)
  port.removeAllListeners('message')
  const reader = new PortReader(port, {
    // Node's side does not wait for credit: it posts little.
    receipt: new Receipt(),
    window: kernelWindow,
    check: faultIn,
    take: (message: unknown) => {
      try {
        Reflect.apply(onMessage, worker, [message])
      } catch (error) {
        reader.close()
        onBreach(`Node cannot read what it posted: ${String(error)}`)
      }
    },
    onBreach,
  })
  reader.open()
  worker.once('exit', () => {
    reader.close()
  })
}

function ownOf(holder: object, name: string): unknown {
  const symbol = Object.getOwnPropertySymbols(holder).find(({ description }) => description === name)
  return symbol && Reflect.get(holder, symbol)
}

function faultIn(message: unknown): string | undefined {
  const isMessage =
    isRecord(message) &&
    typeof message['type'] === 'string' &&
    foreignIn(message) === undefined &&
    !('chunks' in message && !areChunks(message))
  return isMessage ? undefined : 'it posted an invalid message to Node'
}

/** Output forwarded by Node itself. */
function areChunks({ stream, chunks }: Readonly<Record<string, unknown>>): boolean {
  return (stream === 'stdout' || stream === 'stderr') && Array.isArray(chunks) && chunks.every(isChunk)
}

function isChunk(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { chunk, encoding } = value
  return (
    (typeof chunk === 'string' || chunk instanceof Uint8Array) &&
    (encoding === undefined || typeof encoding === 'string')
  )
}
