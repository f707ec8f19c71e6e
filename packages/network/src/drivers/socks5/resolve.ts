/** Names and addresses, resolved by Tor: RESOLVE and RESOLVE_PTR (Tor's socks-extensions). */
import { invalid, TroupeError } from '@troupe/core'
import { isIP } from 'node:net'
import type { Dial, DialOptions, ResolvedAddress, ResolveOptions } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import { sendRequest } from './request.ts'
import { hostOf } from '../target.ts'
import { Failures } from './errors.ts'
import { type Command, commands, decodeHost } from './messages.ts'

/**
 * Returns one address, of the family that Tor prefers; an address of another family than requested counts as no
 * address.
 */
export async function resolve(
  route: Route,
  name: string,
  { family = 0, ...options }: ResolveOptions,
  hop: Dial,
): Promise<readonly ResolvedAddress[]> {
  const host = hostOf(name)
  const failures = new Failures(route.overlay, `a look-up of ${host}`, host)
  const address = isIP(host) === 0 ? await lookUp(route, commands.resolve, host, failures, options, hop) : host
  const found = isIP(address)
  if ((found !== 4 && found !== 6) || (family !== 0 && family !== found)) {
    throw failures.useless(`the overlay found no IPv${family === 0 ? '4 or IPv6' : family} address of it`).error
  }
  return [{ address, family: found }]
}

/** @throws TroupeError `Invalid` if `address` is no address. */
export async function reverse(
  route: Route,
  address: string,
  options: DialOptions,
  hop: Dial,
): Promise<readonly string[]> {
  if (isIP(address) === 0) throw invalid(`"${address}" is not an IP address`, { address })
  const failures = new Failures(route.overlay, `a look-up of ${address}`, address)
  const name = await lookUp(route, commands.resolvePtr, hostOf(address), failures, options, hop)
  return [nameIn(name, failures)]
}

async function lookUp(
  route: Route,
  command: Command,
  host: string,
  failures: Failures,
  options: DialOptions,
  hop: Dial,
): Promise<string> {
  const { socket, reply } = await sendRequest(
    route,
    { command, destination: { host, port: 0 }, failures },
    options,
    hop,
  )
  socket.destroy()
  return decodeHost(reply.addressType, reply.address)
}

/** The reply comes from the network, so it is accepted only if it is a valid name. */
function nameIn(text: string, failures: Failures): string {
  try {
    return hostOf(text)
  } catch (error) {
    if (!(error instanceof TroupeError)) throw error
    throw failures.useless('the overlay returned an invalid name').error
  }
}
