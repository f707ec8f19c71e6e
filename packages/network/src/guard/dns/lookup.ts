/**
 * `dns.lookup` in an overlay sends no query: it returns an address that stands for the name until a connection uses it.
 */
import dns, { type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { asTroupeError, literalOf } from '@troupe/core'
import type { ResolvedAddress } from '../../overlay/overlay.ts'
import { dialerOfKernel } from '../../sealed/kernel-driver.ts'
import { isSealed } from '../../sealed/sealed.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'
import { checkPermission } from '../../sockets/socket-permission.ts'
import { allowedTargets } from '../allowed-targets.ts'
import { fakeAddresses, mapped } from './fake-addresses.ts'
import { property } from '../../sockets/internals.ts'
import { systemLookup } from '../../sockets/own-sockets.ts'
import { unbound } from '../errors.ts'
import { type Callable, callLater, isCallable, replaceMethod } from '../node/patch.ts'

let guarded: typeof dns.lookup | undefined

/** Returns `dns.lookup` without the guard: Node's own, or the replacement that user code installed. */
export function unguardedLookup(): typeof dns.lookup {
  return dns.lookup === guarded ? systemLookup : dns.lookup
}

export function guardLookup(): void {
  replaceMethod(dns, 'lookup', (target, self, args) => {
    const [name, second] = args
    const callback = args.at(-1)
    if (isCallable(callback) && isForKernel(name)) {
      const options = second === callback ? undefined : second
      void answerByKernel(name, options, callback)
      return {}
    }
    if (isAllowedName(name) && isCallable(callback)) {
      const remembering = (error: unknown, first: unknown, family: unknown) => {
        if (!error) remember(first)
        Reflect.apply(callback, undefined, [error, first, family])
      }
      return Reflect.apply(target, self, [...args.slice(0, -1), remembering])
    }
    if (!isForOverlay(name) || !isCallable(callback)) {
      const asked = checkResolve(name)
      if (asked === undefined) return Reflect.apply(target, self, args)
      asked.then(
        () => void Reflect.apply(target, self, args),
        (error: unknown) => callLater(args.at(-1), error),
      )
      return {}
    }
    const options = second === callback ? undefined : second
    answerByStandIn(name, options, callback)
    return {}
  })
  guarded = dns.lookup
  replaceMethod(dns.promises, 'lookup', async (target, self, args) => {
    const [name, options] = args
    if (isForKernel(name)) {
      const found = await askKernel(name, options)
      return property(options, 'all') === true ? found : found[0]
    }
    if (!isForOverlay(name)) {
      await checkResolve(name)
      const found: unknown = await Reflect.apply(target, self, args)
      if (isAllowedName(name)) remember(found)
      return found
    }
    if (threadOverlay() === undefined) throw unbound('dns.promises.lookup')
    const found = await standIn(name, options)
    return property(options, 'all') === true ? [found] : found
  })
}

/** Node itself handles values that are not names, without a query. */
function isForOverlay(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && threadOverlay() !== null && !isAllowedName(name)
}

/** This machine looks the name up: the caller of the program named it. */
function isAllowedName(name: unknown): boolean {
  return typeof name === 'string' && allowedTargets()?.hasName(name) === true
}

/** Code connects to the addresses of such a name. */
function remember(first: unknown): void {
  const found: readonly unknown[] = Array.isArray(first) ? first : [first]
  for (const item of found) {
    const address = typeof item === 'string' ? item : property(item, 'address')
    if (typeof address === 'string') allowedTargets()?.remember(address)
  }
}

/** Checks permission in the clear network; an address is not a name. */
function checkResolve(name: unknown): Promise<void> | undefined {
  if (typeof name !== 'string' || name === '' || isIP(name) !== 0 || threadOverlay() !== null) return undefined
  return checkPermission('socket.resolve', name)
}

/** In a sealed thread the kernel resolves names of the clear network. */
function isForKernel(name: unknown): name is string {
  return isSealed() && typeof name === 'string' && name !== '' && isIP(name) === 0 && threadOverlay() === null
}

async function answerByKernel(name: string, options: unknown, callback: Callable): Promise<void> {
  try {
    const found = await askKernel(name, options)
    if (property(options, 'all') === true) callLater(callback, null, found)
    else callLater(callback, null, found[0]?.address, found[0]?.family)
  } catch (error) {
    callLater(callback, error)
  }
}

async function askKernel(name: string, options: unknown): Promise<readonly ResolvedAddress[]> {
  try {
    return await dialerOfKernel().resolve(name, familyIn(options))
  } catch (thrown) {
    const error = asTroupeError(thrown)
    const { code } = error.details
    const asked = error.kind === 'PermissionDenied' ? 'EACCES' : 'EAI_FAIL'
    throw Object.assign(error, {
      code: typeof code === 'string' ? code : asked,
      syscall: 'getaddrinfo',
      hostname: name,
    })
  }
}

function familyIn(options: unknown): 0 | 4 | 6 {
  const wanted = typeof options === 'object' ? property(options, 'family') : options
  return wanted === 6 || wanted === 'IPv6' ? 6 : wanted === 4 || wanted === 'IPv4' ? 4 : 0
}

function answerByStandIn(name: string, options: unknown, callback: Callable): void {
  const answer = ({ address, family }: LookupAddress) => {
    if (property(options, 'all') === true) callLater(callback, null, [{ address, family }])
    else callLater(callback, null, address, family)
  }
  if (threadOverlay() === undefined) {
    callLater(callback, unbound('dns.lookup'))
    return
  }
  const found = standIn(name, options)
  if (found instanceof Promise) void answerLater(found, answer, callback)
  else answer(found)
}

async function answerLater(
  found: Promise<LookupAddress>,
  answer: (found: LookupAddress) => void,
  callback: Callable,
): Promise<void> {
  try {
    answer(await found)
  } catch (error) {
    callLater(callback, error)
  }
}

/** `localhost` and the names below it mean this machine in every network (RFC 6761 §6.3). */
const local = /^(?:.+\.)?localhost\.?$/i

/** Returns what is known about a name without a query. */
function standIn(name: string, options: unknown): LookupAddress | Promise<LookupAddress> {
  const literal = literalOf(name)
  if (literal !== undefined) return { address: literal, family: isIP(literal) }
  const wanted = familyIn(options)
  // Filters against private addresses must see the loopback address.
  if (local.test(name)) return wanted === 6 ? { address: '::1', family: 6 } : { address: '127.0.0.1', family: 4 }
  const inFamily = (address: string) =>
    wanted === 6 ? { address: mapped(address), family: 6 } : { address, family: 4 }
  const address = fakeAddresses.addressOf(name)
  return typeof address === 'string' ? inFamily(address) : address.then(inFamily)
}
