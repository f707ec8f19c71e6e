/** Finds settings by which names or logins leave this machine outside of an overlay. */
import { isIP } from 'node:net'
import { isPrivateAddress } from '@troupe/network/kernel'
import { z } from 'zod'
import { type Check, entriesOf, type Patient } from './context.ts'
import { type Found, ok, placeOf } from './finding.ts'

const endpoint = z.object({ host: z.string().optional(), username: z.string().optional() })
const proxies = endpoint.extend({ via: z.string().optional(), proxies: z.array(endpoint).optional() })

type Endpoint = z.output<typeof endpoint>

/** Clients that are given such a URL look up names themselves, and send the proxy an address. */
const localLookup = /^socks(?:4|5)?:\/\//i
const proxyVariables = ['ALL_PROXY', 'HTTPS_PROXY', 'HTTP_PROXY', 'all_proxy', 'https_proxy', 'http_proxy']

export const leaksCheck: Check = {
  name: 'leaks',
  async run(patient) {
    const found = [...proxiesOf(patient), ...variablesOf(patient), ...environment(patient)]
    if (found.length > 0) return found
    const { defaultNetwork } = patient.config.networkService
    return [
      ok(
        defaultNetwork === undefined
          ? 'none found; there is no default network: code that selects no network runs in the clear'
          : `none found; the default network is ${defaultNetwork}`,
      ),
    ]
  },
}

function proxiesOf(patient: Patient): readonly Found[] {
  const all = ['network.socks5', 'network.i2p'].flatMap((kind) => entriesOf(patient, kind, proxies))
  return all.flatMap(({ entry, fields }) => {
    // What leads through an overlay is resolved and protected there.
    if (fields.via !== undefined) return []
    return (fields.proxies ?? [fields]).flatMap((one, index) => {
      const path = fields.proxies === undefined ? ['host'] : ['proxies', index, 'host']
      return endpointOf(one, placeOf(entry, path))
    })
  })
}

function endpointOf({ host = '', username }: Endpoint, where: string): readonly Found[] {
  if (host.startsWith('unix:') || isHere(host)) return []
  const found: Found[] = []
  if (isIP(host) === 0)
    found.push({
      severity: 'warning',
      message: 'the name of the proxy is looked up in the clear, so the resolver of this machine learns it',
      where,
      remedy: 'set host to the address of the proxy, or reach it through another overlay: via: <overlay>',
    })
  if (username !== undefined)
    found.push({
      severity: 'warning',
      message: 'username, password and the names of all targets are sent to the proxy without encryption',
      where,
      remedy: `set host to 127.0.0.1 and forward the port: ssh -NL <port>:127.0.0.1:<port> <host of the proxy>`,
    })
  else if (isIP(host) === 0 ? false : !isPrivateAddress(host))
    found.push({
      severity: 'warning',
      message: 'the names of all targets are sent to the proxy without encryption, over a public network',
      where,
      remedy: 'set host to 127.0.0.1 and forward the port: ssh -NL <port>:127.0.0.1:<port> <host of the proxy>',
    })
  return found
}

function isHere(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || host.startsWith('127.')
}

/** Libraries read proxies from variables. The value is not shown: it may contain a login. */
function variablesOf(patient: Patient): readonly Found[] {
  return patient.registry.find({ kind: 'env.variable' }).flatMap((entry) => {
    const value = valueOf(patient, entry.id)
    return value !== undefined && localLookup.test(value) ? [localLookups(placeOf(entry))] : []
  })
}

function environment({ system: { env } }: Patient): readonly Found[] {
  return proxyVariables
    .filter((name) => localLookup.test(env[name] ?? ''))
    .map((name) => localLookups(`the variable ${name}`))
}

function localLookups(where: string): Found {
  return {
    severity: 'warning',
    message: 'programs that use this URL of a proxy look up names themselves, in the clear',
    where,
    remedy: 'begin the URL with socks5h:// instead: then the proxy looks up names',
  }
}

/** Problems of a variable are reported elsewhere. */
function valueOf({ registry }: Patient, id: string): string | undefined {
  try {
    return registry.env.get(id)
  } catch {
    return undefined
  }
}
