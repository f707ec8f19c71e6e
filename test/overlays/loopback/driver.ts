/** The thread side of `network.loopback`: it requests connections out and in from the hub, by lines. */
import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import { invalid, TroupeError, unavailable } from '@troupe/core'
import type { DialOptions, Listener, Peer, Route, Target, ListenGrant } from '@troupe/network'
import { type Accepted, addDriver, connectOwn, type Driver } from '@troupe/network/driver'

/** How many connections may arrive before this thread checks for them. */
const waiting = 8
const defaultTimeout = 30_000

export interface LoopbackConfig {
  /** The hub's port on 127.0.0.1. */
  readonly port: number
  /** In a ticket: the secret that proves the right to accept. */
  readonly secret?: string
}

const driver: Driver = {
  name: 'loopback',
  dial: async (route, target, options) => {
    if (target.host.includes(' ')) throw invalid('a name has no blanks')
    return (await ask(route, `DIAL ${target.host} ${target.port}`, options)).socket
  },
  accept: async (ticket) => new LoopbackListener(ticket),
}

addDriver(driver)

class LoopbackListener implements Listener {
  readonly address: Target
  readonly connections: AsyncIterable<Accepted>
  readonly #closing = new AbortController()

  constructor(ticket: ListenGrant) {
    this.address = ticket.address
    setMaxListeners(0, this.#closing.signal)
    this.connections = accepted(ticket, this.#closing.signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
  }
}

async function* accepted(ticket: ListenGrant, signal: AbortSignal): AsyncGenerator<Accepted> {
  const next = async () => {
    const { socket, words } = await ask(ticket, `ACCEPT ${configOf(ticket).secret}`, {
      signal,
      timeout: Number.POSITIVE_INFINITY,
    })
    const peer: Peer = { address: words[0] ?? '', node: words[0] ?? '', user: 'visitor', tags: ['tag:test'] }
    return { socket, peer }
  }
  const ahead = Array.from({ length: waiting }, next)
  for (const promise of ahead) promise.catch(() => undefined)
  try {
    for (let one = ahead.shift(); one !== undefined; one = ahead.shift()) {
      const arrived = await one
      const another = next()
      another.catch(() => undefined)
      ahead.push(another)
      yield arrived
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    // Connections that arrived and were not taken are cut.
    for (const promise of ahead) void promise.then(({ socket }) => socket.destroy()).catch(() => undefined)
  }
}

/** Sends a line to the hub and waits for its reply; afterwards the socket is plain. */
async function ask(route: Route, line: string, { signal, timeout = defaultTimeout }: DialOptions) {
  if (signal?.aborted) throw new TroupeError('Canceled', 'the dial was cancelled')
  const socket = connectOwn({ host: '127.0.0.1', port: configOf(route).port })
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
  const details = { overlay: route.overlay }
  const onError = (error: Error) =>
    reject(unavailable(`the hub of ${route.overlay} cannot be reached: ${error.message}`, details))
  const onEnd = () => reject(unavailable(`the hub of ${route.overlay} closed the connection`, details))
  const onAbort = () => reject(new TroupeError('Canceled', 'the dial was cancelled'))
  const timer = Number.isFinite(timeout)
    ? setTimeout(
        () => reject(new TroupeError('Timeout', `the hub of ${route.overlay} kept silent`, { details })),
        timeout,
      )
    : undefined
  socket.once('error', onError).once('end', onEnd)
  signal?.addEventListener('abort', onAbort)
  socket.write(`${line}\n`)
  const stop = readLine(socket, resolve)
  try {
    const [word, ...words] = await promise
    if (word !== 'OK')
      throw unavailable(`${line.split(' ').slice(1).join(':')}: ${words.join(' ')}`, { ...details, replyCode: word })
    return { socket, words }
  } catch (error) {
    socket.on('error', () => undefined).destroy()
    throw error
  } finally {
    stop()
    clearTimeout(timer)
    socket.off('error', onError).off('end', onEnd)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** Reads up to the end of the first line and not a byte further. */
function readLine(socket: Socket, onLine: (words: readonly string[]) => void): () => void {
  let line = ''
  const onReadable = () => {
    for (let byte: unknown = socket.read(1); Buffer.isBuffer(byte); byte = socket.read(1)) {
      if (byte[0] === 10) {
        socket.off('readable', onReadable)
        onLine(line.split(' '))
        return
      }
      line += byte.toString('latin1')
    }
  }
  socket.on('readable', onReadable)
  return () => socket.off('readable', onReadable)
}

function configOf({ config }: Route): LoopbackConfig {
  if (typeof config === 'object' && config !== null && 'port' in config && typeof config.port === 'number') {
    return {
      port: config.port,
      ...('secret' in config && typeof config.secret === 'string' && { secret: config.secret }),
    }
  }
  throw invalid('this is no route of a loopback overlay')
}
