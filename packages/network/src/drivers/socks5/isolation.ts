/** Credentials by which Tor isolates connections: connections with different credentials use different circuits. */
import { createHmac, randomBytes } from 'node:crypto'
import type { Isolation, Target } from '../../overlay/overlay.ts'
import type { Login } from './messages.ts'
import type { IsolationRule } from './route.ts'

const freshBytes = 16
/** Tor's extended form (socks-extensions): this name means "isolate by the password only". */
const extendedUsername = '<torS0X>0'

/**
 * Returns the credentials for a connection to `target` on behalf of `isolation`. They are the same for the same actor
 * (process, destination) in every thread, and reveal nothing about it. Connections without an actor, process or key get
 * random credentials. A key that a request set replaces them, combined with the destination if the overlay isolates by
 * destination.
 */
export function isolationLogin({ by, form, seed }: IsolationRule, { host }: Target, isolation: Isolation): Login {
  const key = by === 'connection' ? undefined : keyOf(by, host.toLowerCase(), isolation)
  const secret = key === undefined ? randomBytes(2 * freshBytes) : createHmac('sha256', seed).update(key).digest()
  const [username, password] = [secret.toString('hex', 0, freshBytes), secret.toString('hex', freshBytes)]
  return form === 'torS0X' ? { username: extendedUsername, password: username + password } : { username, password }
}

/** Whether each connection has credentials of its own. A client keeps the TLS sessions of each destination apart. */
export function isolatesConnections(rule: IsolationRule, isolation: Isolation): boolean {
  if (rule.by === 'destination') return false
  return rule.by === 'connection' || keyOf(rule.by, '', isolation) === undefined
}

function keyOf(by: 'actor' | 'process' | 'destination', host: string, isolation: Isolation): string | undefined {
  const { key } = isolation
  if (by === 'destination') return key === undefined ? `${by} ${host}` : `key ${host} ${key}`
  if (key !== undefined) return `key ${key}`
  const whose = isolation[by]
  return whose === undefined ? undefined : `${by} ${whose}`
}
