/** Names and addresses, resolved by the tailnet (MagicDNS). */
import { invalid } from '@troupe/core'
import { isIP } from 'node:net'
import type { DialOptions, ResolvedAddress, ResolveOptions } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import { hostOf } from '../target.ts'
import { sendRequest } from './request.ts'
import { Failures } from './errors.ts'
import { textsIn } from './json-line.ts'

export async function resolve(
  route: Route,
  name: string,
  options: ResolveOptions,
): Promise<readonly ResolvedAddress[]> {
  const host = hostOf(name)
  const { family = 0, ...rest } = options
  const failures = new Failures(route, `a look-up of ${host}`, host)
  const found = isIP(host) === 0 ? await lookUp(route, { name: host, family }, failures, rest) : [host]
  const addresses = found.map(withFamily).filter((address) => family === 0 || address.family === family)
  if (addresses.length > 0) return addresses
  throw failures.refused({ code: 'ENOTFOUND', error: `it has no IPv${family} address` })
}

/** @throws TroupeError `Invalid` if `address` is no address. */
export async function reverse(route: Route, address: string, options: DialOptions): Promise<readonly string[]> {
  if (isIP(address) === 0) throw invalid(`"${address}" is not an IP address`, { address })
  const failures = new Failures(route, `a look-up of ${address}`, address)
  const { socket, answer } = await sendRequest(
    route,
    { op: 'reverse', fields: { address: hostOf(address) }, read: (answer) => textsIn(answer, 'names'), failures },
    options,
  )
  socket.destroy()
  return answer
}

async function lookUp(
  route: Route,
  fields: { readonly name: string; readonly family: 0 | 4 | 6 },
  failures: Failures,
  options: DialOptions,
): Promise<readonly string[]> {
  const { socket, answer } = await sendRequest(
    route,
    { op: 'resolve', fields, read: (answer) => textsIn(answer, 'addresses'), failures },
    options,
  )
  socket.destroy()
  return answer
}

function withFamily(address: string): ResolvedAddress {
  return { address, family: isIP(address) === 6 ? 6 : 4 }
}
