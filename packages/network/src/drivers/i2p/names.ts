/**
 * Name look-ups by the router: SAM's NAMING LOOKUP, through `@diva.exchange/i2p-sam`. The library waits without limit,
 * does not report when the bridge closes the connection, treats each received chunk as one reply, and loses padding. So
 * limits and checks are made here.
 */
import { asTroupeError, startDeadline, stopTimer } from '@troupe/core'
import { once } from 'node:events'
import type { DialOptions, ResolvedAddress, ResolveOptions } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import { connecting } from '../../sockets/own-sockets.ts'
import { addressName, hostOf, isDestination, padded } from './destination.ts'
import { Failures } from './errors.ts'
import { parseReply } from './reply.ts'
import { type Bridge, configOf, defaultTimeouts } from './route.ts'

const defaultTimeout = 30_000

/**
 * Returns the `.b32.i2p` address of a name. Such an address is returned unchanged; a whole destination is converted.
 * I2P has no IP addresses.
 */
export async function resolve(
  route: Route,
  name: string,
  { family = 0, ...options }: ResolveOptions,
): Promise<readonly ResolvedAddress[]> {
  const host = hostOf(name)
  const failures = new Failures(route.overlay, `a look-up of ${name.slice(0, 80)}`, name.slice(0, 80))
  if (family !== 0) throw failures.useless(`I2P has no IPv${family} addresses`, 'request')
  if (host.endsWith('.b32.i2p')) return [{ address: host, family: 0 }]
  return [
    {
      address: await addressName(isDestination(host) ? host : await lookUp(route, host, options, failures)),
      family: 0,
    },
  ]
}

/** Returns the destination of a name or an address. @throws TroupeError */
export async function lookUp(route: Route, name: string, options: DialOptions, failures: Failures): Promise<string> {
  const { signal, timeout = defaultTimeout } = options
  const { bridge, timeouts = defaultTimeouts } = configOf(route)
  if (signal?.aborted === true) throw failures.canceled()
  const lookup = await newLookup(bridge)
  const over = new AbortController()
  const ended = { signal: over.signal }
  const limit = Math.min(timeout, timeouts.dial)
  const timer = startDeadline(() => lookup.emit('late'), limit)
  const onAbort = () => void lookup.emit('canceled')
  signal?.addEventListener('abort', onAbort)
  const refusals = [
    once(lookup, 'close', ended).then(() => failures.closed('request', 'FIN')),
    once(lookup, 'late', ended).then(() =>
      limit < timeout ? failures.late('dial_timeout', limit, 'request') : failures.timedOut(timeout, 'request'),
    ),
    once(lookup, 'canceled', ended).then(() => failures.canceled()),
  ]
  for (const refusal of refusals) refusal.catch(() => undefined)
  try {
    const found = await Promise.race([lookup.find(name), ...refusals])
    if (typeof found !== 'string') throw found
    const destination = padded(found)
    // The library reads only the first chunk of a reply that arrives in several chunks.
    if (!isDestination(destination)) throw failures.useless('the router returned an invalid destination', 'request')
    return destination
  } catch (error) {
    throw failureOf(error, failures)
  } finally {
    stopTimer(timer)
    over.abort()
    signal?.removeEventListener('abort', onAbort)
    lookup.hangUp()
  }
}

/** The library's errors are texts that contain the bridge's reply. */
function failureOf(thrown: unknown, failures: Failures): Error {
  const error = asTroupeError(thrown)
  if (error.kind !== 'Unknown') return error
  const reply = parseReply(/NAMING failed: (?<reply>.*)$/.exec(error.message)?.groups?.['reply'] ?? '')
  if (reply) return failures.refused(reply, 'request')
  const code = /\bE[A-Z]+\b/.exec(error.message)?.[0]
  return code === undefined ? failures.alien('hello') : failures.unreachable(code)
}

async function newLookup({ host, port, login }: Bridge) {
  // Imported here and not above, because threads that look up no names do not need it.
  const { I2pSam } = await import('@diva.exchange/i2p-sam')
  // The library has no option for a login, which SAM expects after the versions.
  const versionMax = login ? `3.2 USER="${login.username}" PASSWORD="${login.password}"` : '3.1'
  class Lookup extends I2pSam {
    constructor() {
      // When keys are given, whatever they are, the library requests none from the router.
      super({ sam: { host, portTCP: port, versionMin: '3.0', versionMax, publicKey: 'none', privateKey: 'none' } })
      this.on('error', () => this.emit('close'))
    }

    async find(name: string): Promise<string> {
      await connecting({ host, port }, async () => this.open())
      return this.resolve(name)
    }

    hangUp(): void {
      this.close()
    }
  }
  return new Lookup()
}
