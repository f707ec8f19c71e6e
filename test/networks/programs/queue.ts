/**
 * A library-style queue in its worst form. It accepts items in any frame and sends them later, together, from one loop
 * that began while the module loaded. It uses one connection, and opens it again after a failure.
 */
import { once } from 'node:events'
import net from 'node:net'
import { funcs, http, type Message, processes, self } from 'troupe'

interface Waiting {
  readonly token: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  attempts: number
}

const { port = 0, http: httpPort = 0 } = addresses()
/** Milliseconds between two flushes. */
const interval = 5
/** Milliseconds after which an item is given up. */
const mostAttempts = 3

let waiting: Waiting[] = []
let connection: net.Socket | undefined
setTimeout(() => void flush(), interval)

function addresses(): { readonly port?: number; readonly http?: number } {
  const value: unknown = JSON.parse(process.env['QUEUE_SERVERS'] ?? '{}')
  if (typeof value !== 'object' || value === null || !('port' in value && 'http' in value)) return {}
  return { port: Number(value.port), http: Number(value.http) }
}

/** Waits until the item is sent and confirmed. */
async function enqueue(token: string): Promise<void> {
  return new Promise((resolve, reject) => void waiting.push({ token, resolve, reject, attempts: 0 }))
}

async function flush(): Promise<void> {
  const batch = waiting
  waiting = []
  try {
    if (batch.length > 0) await send(batch)
    for (const { resolve } of batch) resolve()
  } catch (error) {
    connection?.destroy()
    connection = undefined
    for (const item of batch) {
      item.attempts += 1
      if (item.attempts < mostAttempts) waiting.push(item)
      else item.reject(error)
    }
  }
  setTimeout(() => void flush(), interval)
}

/** One write for all of them; the server echoes it. */
async function send(batch: readonly Waiting[]): Promise<void> {
  if (connection === undefined || connection.destroyed) {
    connection = net.connect(port, '127.0.0.1').on('error', () => {})
    await once(connection, 'connect')
  }
  const used = connection
  const line = `${batch.map(({ token }) => token).join(' ')}\n`
  await new Promise<void>((resolve, reject) => {
    let missing = line.length
    const onData = (chunk: Buffer) => {
      missing -= chunk.length
      if (missing <= 0) settle(resolve)
    }
    const onClose = () => settle(() => reject(new Error('the connection is closed')))
    const settle = (how: () => void) => {
      used.off('data', onData).off('close', onClose)
      how()
    }
    used.on('data', onData).on('close', onClose)
    if (used.destroyed) onClose()
    else used.write(line)
  })
}

/** Puts items in the queue, from the current frame. */
export async function push(tokens: readonly string[]): Promise<void> {
  await Promise.all(tokens.map(enqueue))
}

/** Puts items in the queue of this thread, and makes a function in another network do so with others. */
export async function nest(
  tokens: readonly string[],
  network: string | null,
  others: readonly string[],
): Promise<unknown> {
  return outcomes([push(tokens), funcs.withOptions({ network }).call('app:push', others)])
}

/** Puts items in the queue, and sends others by the HTTP client in a network of their own. */
export async function request(
  tokens: readonly string[],
  overlayNetwork: string | null,
  others: readonly string[],
): Promise<unknown> {
  const asked = others.map(async (token) =>
    (await http.get(`http://127.0.0.1:${httpPort}/${token}`, { overlayNetwork })).text(),
  )
  return outcomes([push(tokens), Promise.all(asked)])
}

/** Calls functions in ways that begin in a thread of this process. */
export async function inline(
  tokens: readonly string[],
  network: string | null,
  others: readonly string[],
): Promise<unknown> {
  return outcomes([push(tokens), funcs.withOptions({ network }).call('app:inline', others)])
}

/** Makes a function that is pinned to a network put them in its queue. */
export async function callPinned(tokens: readonly string[]): Promise<void> {
  await funcs.call('app:push_right', tokens)
}

/** Puts items in the queue of another process. */
export async function tell(receiver: string, tokens: readonly string[]): Promise<unknown> {
  return outcomes([Promise.resolve(), processes.call(receiver, 'push', tokens)])
}

/** Puts everything that it receives in its queue. */
export async function receive(): Promise<void> {
  for await (const message of self.inbox) void answered(message)
}

async function answered(message: Message): Promise<void> {
  if (!Array.isArray(message.payload)) return
  const [outcome] = await Promise.allSettled([push(message.payload.map(String))])
  message.reply(outcome.status === 'fulfilled' ? 'sent' : String(outcome.reason))
}

/** For each: whether it failed. */
async function outcomes(works: readonly Promise<unknown>[]): Promise<readonly string[]> {
  const settled = await Promise.allSettled(works)
  return settled.map((outcome) => {
    if (outcome.status === 'rejected') return String(outcome.reason)
    return typeof outcome.value === 'string' ? outcome.value : 'sent'
  })
}
