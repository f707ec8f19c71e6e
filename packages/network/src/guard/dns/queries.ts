/**
 * Name queries other than `dns.lookup`. In an overlay, the overlay resolves addresses of names and names of addresses
 * if it can, and everything else is refused. In the clear network permission is checked where policies apply.
 */
import dns from 'node:dns'
import { asTroupeError, type EntryId, type TroupeError } from '@troupe/core'
import { networkAccess } from '../../dial/network-access.ts'
import { resolve, reverse } from '../../dial/dial.ts'
import { isSealed, sealedRefusal } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { checkPermission } from '../../sockets/socket-permission.ts'
import { property } from '../../sockets/internals.ts'
import { allowedTargets } from '../allowed-targets.ts'
import { unbound, deniedIn } from '../errors.ts'
import { type Callable, callLater, isCallable, replaceMethod } from '../node/patch.ts'

/** The record type of each function, as in the second argument of `dns.resolve`. */
const queries: Readonly<Record<string, string | undefined>> = {
  lookupService: undefined,
  resolve: 'A',
  resolve4: 'A',
  resolve6: 'AAAA',
  resolveAny: undefined,
  resolveCaa: undefined,
  resolveCname: undefined,
  resolveMx: undefined,
  resolveNaptr: undefined,
  resolveNs: undefined,
  resolvePtr: undefined,
  resolveSoa: undefined,
  resolveSrv: undefined,
  resolveTlsa: undefined,
  resolveTxt: undefined,
  reverse: 'PTR',
}

/** Like the limits of Node's own resolver: five seconds, four attempts. */
const timeout = 20_000

export function guardQueries(): void {
  for (const name of Object.keys(queries)) {
    for (const [owner, title] of [
      [dns, 'dns'],
      [dns.Resolver.prototype, 'dns.Resolver'],
    ] as const) {
      replaceMethod(owner, name, (original, self, args) => {
        const requester = args.at(-1)
        const answer = answerTo(`${title}.${name}`, name, args, original, self)
        if (answer === undefined) return Reflect.apply(original, self, args)
        if (!isCallable(requester)) throw invalidCallback(name)
        answer.then(
          (found) => {
            // A query in the clear network calls back itself.
            if (found !== inTheClear) callLater(requester, null, found)
          },
          (error: unknown) => callLater(requester, error),
        )
        return {}
      })
    }
    for (const [owner, title] of [
      [dns.promises, 'dns.promises'],
      [dns.promises.Resolver.prototype, 'dns.promises.Resolver'],
    ] as const) {
      replaceMethod(owner, name, (original, self, args) => {
        return answerTo(`${title}.${name}`, name, args, original, self) ?? Reflect.apply(original, self, args)
      })
    }
  }
}

const inTheClear = Symbol('asked in the clear')

/** Returns the result of a query; `undefined` if Node runs it as usual. */
function answerTo(
  title: string,
  name: string,
  args: readonly unknown[],
  original: Callable,
  self: unknown,
): Promise<unknown> | undefined {
  const network = threadOverlay()
  if (network === undefined) return Promise.reject(unbound(title))
  const subject = String(args[0])
  if (allowedTargets()?.hasName(subject) === true) return undefined
  if (network !== null) return ask(network, title, typeOf(name, args), subject, args)
  if (isSealed()) return Promise.reject(sealedRefusal(title, 'Connect by name, or use dns.lookup'))
  return checkPermission('socket.resolve', subject)?.then(() => {
    const result: unknown = Reflect.apply(original, self, args)
    return isCallable(args.at(-1)) ? inTheClear : result
  })
}

function typeOf(name: string, args: readonly unknown[]): string | undefined {
  return name === 'resolve' && typeof args[1] === 'string' ? args[1] : queries[name]
}

async function ask(
  overlay: EntryId,
  title: string,
  type: string | undefined,
  subject: string,
  args: readonly unknown[],
): Promise<unknown> {
  if (type !== 'A' && type !== 'AAAA' && type !== 'PTR') throw deniedIn(overlay, title, byName)
  try {
    const route = await networkAccess().route(overlay)
    if (type === 'PTR') return await reverse(route, subject, { timeout })
    const found = await resolve(route, subject, { family: type === 'A' ? 4 : 6, timeout })
    const withTtl = args.some((option) => property(option, 'ttl') === true)
    // Overlays report no TTL for an address, so it is 0.
    return found.map(({ address }) => (withTtl ? { address, ttl: 0 } : address))
  } catch (thrown) {
    const error = asTroupeError(thrown)
    if (error.kind === 'Invalid') throw deniedIn(overlay, title, byName)
    throw Object.assign(error, {
      code: codeOf(error),
      syscall: `query${type === 'PTR' ? 'Ptr' : type}`,
      hostname: subject,
    })
  }
}

/** What to do instead of a query. */
export const byName = 'Connect by name: the overlay finds the address'

/** Returns the c-ares error code, which libraries look for. */
function codeOf({ kind, details }: TroupeError): string {
  if (kind === 'Timeout') return dns.TIMEOUT
  if (kind === 'Canceled') return dns.CANCELLED
  if ('replyCode' in details) return dns.NOTFOUND
  return details['stage'] === 'request' ? dns.NODATA : dns.SERVFAIL
}

function invalidCallback(name: string): TypeError {
  return Object.assign(new TypeError(`dns.${name} needs a callback`), { code: 'ERR_INVALID_ARG_TYPE' })
}
