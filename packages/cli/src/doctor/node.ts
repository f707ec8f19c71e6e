/** Checks the version of Node, and options that weaken what runs in it. */
import { type Found, ok } from './finding.ts'
import type { System } from './system.ts'
import type { SystemCheck } from './context.ts'

const oldest = 24

/** Options of Node that change more than their user may expect. */
const options: readonly { readonly pattern: RegExp; readonly finding: Omit<Found, 'where'> }[] = [
  {
    pattern: /^--inspect(?:-brk|-wait)?=(?!127\.|localhost|\[::1\]|\d+$)/,
    finding: {
      severity: 'error',
      message: 'the debugger listens for other machines: who reaches its port runs code in this program',
      remedy: 'remove the option, or write --inspect=127.0.0.1:9229',
    },
  },
  {
    pattern: /^--inspect(?:-brk|-wait)?(?:$|=)/,
    finding: {
      severity: 'warning',
      message: 'the debugger is on: each user of this machine can run code in this program',
      remedy: 'remove the option outside of development',
    },
  },
  {
    pattern: /^--insecure-http-parser$/,
    finding: {
      severity: 'error',
      message: 'HTTP that is not valid is accepted: requests can be smuggled past a proxy',
      remedy: 'remove the option',
    },
  },
  {
    pattern: /^--no-(?:experimental-)?strip-types$/,
    finding: {
      severity: 'error',
      message: 'Node loads no TypeScript: entries with a source in TypeScript do not start',
      remedy: 'remove the option',
    },
  },
  {
    pattern: /^--tls-min-v1\.[01]$/,
    finding: {
      severity: 'warning',
      message: 'versions of TLS with known weaknesses are accepted',
      remedy: 'remove the option',
    },
  },
  {
    pattern: /^--(?:env-proxy|use-env-proxy)$/,
    finding: {
      severity: 'warning',
      message: 'in the clear network, requests go through the proxy that the environment names',
      remedy: 'remove the option, and name the proxy as an entry of the kind network.socks5',
    },
  },
]

export const nodeCheck: SystemCheck = {
  name: 'node',
  run: async (system) => [...versionOf(system), ...optionsOf(system), ...(await variablesOf(system))],
}

function versionOf({ nodeVersion }: System): readonly Found[] {
  return Number.parseInt(nodeVersion, 10) >= oldest
    ? [ok(`Node ${nodeVersion}`)]
    : [
        {
          severity: 'error',
          message: `Node ${nodeVersion} is too old: Troupe needs Node ${oldest} or later`,
          remedy: 'install a newer Node: https://nodejs.org/en/download',
        },
      ]
}

function optionsOf({ nodeOptions, env }: System): readonly Found[] {
  const words = [
    ...nodeOptions.map((word) => ({ word, where: 'the command line of node' })),
    ...(env['NODE_OPTIONS'] ?? '').split(/\s+/).map((word) => ({ word, where: 'the variable NODE_OPTIONS' })),
  ]
  return words.flatMap(({ word, where }) => {
    const known = options.find(({ pattern }) => pattern.test(word))
    return known === undefined ? [] : [{ ...known.finding, where: `${where}: ${word}` }]
  })
}

async function variablesOf({ env, read }: System): Promise<readonly Found[]> {
  const found: Found[] = []
  if (env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    found.push({
      severity: 'error',
      message: 'certificates of servers are not checked: anyone on the way reads and changes TLS connections',
      where: 'the variable NODE_TLS_REJECT_UNAUTHORIZED',
      remedy: 'unset NODE_TLS_REJECT_UNAUTHORIZED; for an authority of your own, export NODE_EXTRA_CA_CERTS=ca.pem',
    })
  const authorities = env['NODE_EXTRA_CA_CERTS']
  if (authorities !== undefined && authorities !== '' && (await read(authorities)) === undefined)
    found.push({
      severity: 'error',
      message: `its file ${authorities} cannot be read: Node ignores it, and the authorities in it are not trusted`,
      where: 'the variable NODE_EXTRA_CA_CERTS',
      remedy: 'export NODE_EXTRA_CA_CERTS=<a file that exists>',
    })
  return found
}
