/** `dns.lookup` in an overlay: no query, but an address that stands for the name until something connects to it. */
import dns, { type LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { fakeAddresses, mapped } from './fake-addresses.ts'
import { networkInForce } from './in-force.ts'
import { property } from './internals.ts'
import { lostContext } from './refusal.ts'
import { isCallable, replaceMethod } from './wrap.ts'

export function guardNames(): void {
  replaceMethod(dns, 'lookup', (target, self, args) => {
    const [name, second] = args
    const callback = args.at(-1)
    if (!isForOverlay(name) || !isCallable(callback)) return Reflect.apply(target, self, args)
    const options = second === callback ? undefined : second
    process.nextTick(() => {
      if (networkInForce() === undefined) {
        callback(lostContext('dns.lookup'))
        return
      }
      const { address, family } = standIn(name, options)
      if (property(options, 'all') === true) callback(null, [{ address, family }])
      else callback(null, address, family)
    })
    return {}
  })
  replaceMethod(dns.promises, 'lookup', async (target, self, args) => {
    const [name, options] = args
    if (!isForOverlay(name)) return Reflect.apply(target, self, args)
    if (networkInForce() === undefined) throw lostContext('dns.promises.lookup')
    const found = standIn(name, options)
    return property(options, 'all') === true ? [found] : found
  })
}

/** What is no name, Node answers itself, without a query. */
function isForOverlay(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && networkInForce() !== null
}

function standIn(name: string, options: unknown): LookupAddress {
  const family = isIP(name)
  if (family !== 0) return { address: name, family }
  const wanted = typeof options === 'object' ? property(options, 'family') : options
  const address = fakeAddresses.addressOf(name)
  return wanted === 6 || wanted === 'IPv6' ? { address: mapped(address), family: 6 } : { address, family: 4 }
}
