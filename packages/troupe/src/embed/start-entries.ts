/** The entries of the options of `start`. */
import { invalid } from '@troupe/core'
import { readProxyUrl } from '@troupe/network'
import { escapePlaceholders, readWrittenEntry, type WrittenEntry } from '@troupe/registry'
import { checkOptions, checkPlainOptions } from './given-options.ts'
import { isReserved, programId, reservedId, sourceOf } from './names.ts'
import { Secrets } from './secrets.ts'
import type { CodeOptions, FunctionOptions, HostOptions, ServiceOptions, StartOptions } from './start-options.ts'

/** The host of processes whose options name none. */
export const programHost = reservedId('threads')

/** Entries, and the values of the secret variables that they name. */
export interface StartEntries {
  readonly entries: readonly WrittenEntry[]
  readonly variables: Readonly<Record<string, string>>
}

const sections: ReadonlySet<string> = new Set<keyof StartOptions>([
  'networks',
  'hosts',
  'functions',
  'services',
  'policies',
  'entries',
  'root',
  'config',
  'network',
  'ambient',
  'onLog',
])

/** @throws TroupeError `Invalid`, naming the option. */
export function startEntries(options: StartOptions): StartEntries {
  checkOptions(options, 'start')
  for (const name of Object.keys(options)) {
    if (!sections.has(name)) throw invalid(`${name}: start has no such option: ${[...sections].join(', ')}`)
  }
  checkPlainOptions(options)
  const secrets = new Secrets()
  const entries = [
    ...section('networks', options.networks, (network, at, id) => [networkEntry(network, at, id, secrets)]),
    ...section('hosts', options.hosts, (host, _, id) => [hostEntry(host, id)]),
    ...section('functions', options.functions, (fields, at, id) => [functionEntry(fields, at, id)]),
    ...section('services', options.services, serviceEntries),
    ...section('policies', options.policies, (policy, _, id) => [
      { ...policy, id, kind: 'expression' in policy ? 'security.policy.expr' : 'security.policy' },
    ]),
    ...(options.entries ?? []).map(ownEntry),
  ]
  const host = { id: programHost, kind: 'process.host', host: { spares: 0 }, lifecycle: { auto_start: true } }
  return { entries: [...entries, host, ...secrets.entries()], variables: secrets.values }
}

/**
 * Returns the entry of a network.
 *
 * @param secrets - Receives its passwords and keys.
 * @throws TroupeError `Invalid`; its text contains no secret.
 */
export function networkEntry(network: unknown, at: string, id: string, secrets: Secrets): WrittenEntry {
  const name = id.slice(id.indexOf(':') + 1)
  if (typeof network === 'string' || network instanceof URL) {
    const { host, port, username, password } = readProxyUrl(network, at)
    return {
      id,
      kind: 'network.socks5',
      host: escapePlaceholders(host),
      ...(port !== undefined && { port }),
      ...(username !== undefined && { username: escapePlaceholders(username) }),
      ...(password !== undefined && { password: secrets.hide(`${name}.password`, password) }),
    }
  }
  if (!isMapping(network) || typeof network['kind'] !== 'string')
    throw invalid(`${at}: expected the URL of a proxy, or the fields of a network with its kind`, { path: at })
  return { ...mapping(secrets.without(network, name)), id, kind: network['kind'] }
}

function section<Options extends object | string>(
  name: string,
  members: Readonly<Record<string, Options>> | undefined,
  entriesOf: (options: Options, at: string, id: string) => readonly WrittenEntry[],
): readonly WrittenEntry[] {
  if (members === undefined) return []
  if (!isMapping(members)) throw invalid(`${name}: expected an object with a member for each name`, { path: name })
  return Object.entries(members).flatMap(([key, options]) => {
    const at = `${name}.${key}`
    const id = programId(key, at)
    if (isReserved(id)) throw reserved(at, id)
    if (typeof options !== 'string' && !isMapping(options)) throw invalid(`${at}: expected options`, { path: at })
    return entriesOf(options, at, id)
  })
}

function ownEntry(written: WrittenEntry, index: number): WrittenEntry {
  const at = `entries[${index}]`
  const source = isMapping(written) ? written['source'] : undefined
  const entry = source instanceof URL ? { ...written, source: sourceOf(source, `${at}.source`) } : written
  const { id } = readWrittenEntry(entry, at)
  if (isReserved(id)) throw reserved(at, id)
  return entry
}

function hostEntry({ lifecycle, ...host }: HostOptions, id: string): WrittenEntry {
  return { id, kind: 'process.host', host, lifecycle: { auto_start: true, ...lifecycle } }
}

function functionEntry({ pool, ...code }: FunctionOptions, at: string, id: string): WrittenEntry {
  return { ...codeEntry(code, at), id, kind: 'function.ts', ...(pool !== undefined && { pool }) }
}

function serviceEntries(options: ServiceOptions, at: string, id: string): readonly WrittenEntry[] {
  const { source, method, network, meta, host, restart, lifecycle, ...fields } = options
  const { meta: pinned, ...code } = codeEntry({ source, ...given({ method, network, meta }) }, at)
  const program = `${id}.program`
  const service = {
    ...fields,
    id,
    kind: 'process.service',
    process: program,
    host: host === undefined ? programHost : programId(host, `${at}.host`),
    lifecycle: { auto_start: true, ...given({ restart }), ...lifecycle },
    meta: pinned,
  }
  return [{ ...code, id: program, kind: 'process.ts' }, service]
}

function codeEntry({ source, method, network, meta, ...rest }: CodeOptions, at: string) {
  const pin = network === undefined ? undefined : { network: network === null ? null : programId(network, at) }
  return {
    // Unknown options become unknown fields, which the check of the entry reports.
    ...rest,
    source: sourceOf(source, `${at}.source`),
    ...given({ method }),
    meta: pin === undefined ? meta : { ...meta, options: { ...mapping(meta?.['options']), ...pin } },
  }
}

function given<Options extends object>(options: Options): { [Key in keyof Options]: Exclude<Options[Key], undefined> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only what is given is left
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Options]: Exclude<Options[Key], undefined>
  }
}

function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return isMapping(value) ? value : {}
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reserved(at: string, id: string) {
  return invalid(`${at}: the namespaces "troupe" and "troupe.…" are Troupe's own: choose another than ${id}`, { id })
}
