/**
 * Checks whether the proxies of an entry work: each must send its greeting, and open a connection if the entry names a
 * target.
 */
import type { EntryId } from '@troupe/core'
import type { Finding } from '../../overlay/overlay-state.ts'
import type { Target } from '../../overlay/overlay.ts'
import { destinationOf, formatTarget } from '../target.ts'
import { connectOwn } from '../../sockets/own-sockets.ts'
import { dial } from '../../dial/dial.ts'
import { Failures } from './errors.ts'
import { Handshake, type Outcome } from './handshake.ts'
import { commands, requestOf } from './messages.ts'
import { addressOf, defaultTimeouts, type Proxy, type Socks5Route } from './route.ts'

/** @throws TroupeError the first proxy's failure, if none works. */
export async function checkProxies(
  id: EntryId,
  config: Socks5Route,
  probe: Target | undefined,
  signal: AbortSignal,
): Promise<Finding> {
  const target = probe && destinationOf(probe)
  const text = target ? formatTarget(target) : 'nothing'
  const failures = new Failures(id, target ? `a probe of ${text}` : 'a greeting', text)
  const outcomes = await Promise.all(
    config.proxies.map(async (proxy) => attempt(proxy, config, { id, target, failures, signal })),
  )
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  const [first] = errors
  if (first === undefined) return { state: 'up' }
  if (errors.length === outcomes.length) throw first
  return { state: 'degraded', reason: `${errors.length} of ${outcomes.length} proxies do not work: ${first.message}` }
}

interface ProxyRequest {
  readonly id: EntryId
  readonly target: Target | undefined
  readonly failures: Failures
  readonly signal: AbortSignal
}

async function attempt(
  proxy: Proxy,
  config: Socks5Route,
  { id, target, failures, signal }: ProxyRequest,
): Promise<Outcome> {
  const { isolate, optimistic = false, timeouts = defaultTimeouts, via } = config
  const timeout = timeouts.connect + timeouts.handshake
  const plan = {
    login: isolate ? { username: 'probe', password: 'probe' } : proxy.login,
    isolated: isolate !== undefined,
    request: target && requestOf(commands.connect, target),
    optimistic,
    timeouts,
    until: performance.now() + timeout,
    timeout,
    signal,
    failures,
  }
  try {
    const socket =
      via === undefined
        ? connectOwn(addressOf(proxy))
        : await dial(via, { host: proxy.host, port: proxy.port ?? 0 }, { timeout: timeouts.connect, signal })
    const outcome = await new Handshake(socket, plan).run()
    if ('socket' in outcome) outcome.socket.on('error', () => undefined).destroy()
    return outcome
  } catch (error) {
    return failures.hop(error, via?.overlay ?? id)
  }
}
