/** Ways past an overlay: external names and addresses, by everything in Node that can send a packet. */
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'

/** An address for documentation (RFC 5737). */
const world = '203.0.113.7'
const name = 'leak.test'

const connected = async (socket: net.Socket) => {
  try {
    await once(socket, 'connect')
  } finally {
    socket.destroy()
  }
}
const send = async () => {
  const socket = dgram.createSocket('udp4').on('error', () => {})
  await new Promise<void>((resolve, reject) =>
    socket.send('x', 9999, world, (error) => (error ? reject(error) : resolve())),
  )
}
const elsewhere =
  `require('node:net').connect(80, '${world}').on('error', ` +
  `() => {}); require('node:dns').lookup('${name}', () => {})`

export const waysOut: Readonly<Record<string, () => Promise<unknown>>> = {
  'net.connect, a name': async () => connected(net.connect(80, name)),
  'net.connect, an address': async () => connected(net.connect(80, world)),
  'tls.connect, an address': async () => connected(tls.connect(443, world)),
  'fetch, a name': async () => fetch(`http://${name}/`),
  'dns.lookup': async () => dns.promises.lookup(name),
  'dns.lookup, then connect': async () => connected(net.connect(80, (await dns.promises.lookup(name)).address)),
  'dns.resolve4': async () => promisify(dns.resolve4)(name),
  'dns.reverse': async () => promisify(dns.reverse)(world),
  'dns.Resolver': async () => new dns.promises.Resolver({ timeout: 300, tries: 1 }).resolve4(name),
  'dns.lookupService': async () => promisify(dns.lookupService)(world, 80),
  'dgram.send': send,
  child: async () => promisify(childProcess.execFile)(process.execPath, ['-e', elsewhere], { timeout: 2000 }),
  'a child, synchronously': async () => childProcess.spawnSync(process.execPath, ['-e', elsewhere], { timeout: 500 }),
  thread: async () => once(new Worker(elsewhere, { eval: true }), 'exit'),
}

/** Longer than any of them waits for a name that is never resolved. */
const patience = 4000

/** A word for the outcome of each. */
export async function outcomesOf(
  ways: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    await Promise.all(Object.entries(ways).map(async ([name, use]) => [name, await outcome(use)] as const)),
  )
}

async function outcome(use: () => Promise<unknown>): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>()
  setTimeout(resolve, patience, 'late')
  const ended = use().then(
    () => 'done',
    (error: unknown) => codeOf(error) ?? String(error),
  )
  return Promise.race([ended, late])
}

/** The code of an error, or of its cause. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause)
}
