/** Overlays with a state, without an application: a node of a tailnet, a session of an I2P router. */
import { entryId, invalid } from '@troupe/core'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { diagnosticsError, Registry } from '@troupe/registry'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NetworkChoice } from './network-choice.ts'
import { keyVariable, type OpenOverlay, type Say } from './overlay-parts.ts'

const numbers = new Set(['port', 'udp_port'])
/** Before the name of an option that the I2P router gets. */
const ofRouter = 'options.'
const kinds = { tailnet: 'network.tailscale', i2p: 'network.i2p' } as const

/** Opens it with the fields of an entry of that kind. A node is ephemeral unless its state has a folder. */
export async function openNode(
  { type, fields }: Extract<NetworkChoice, { type: 'tailnet' | 'i2p' }>,
  say: Say,
): Promise<OpenOverlay> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-exec-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const id = entryId(`exec:${type}`)
  const registry = new Registry({ kinds: networkKinds, root: process.cwd(), sourceFolders: [] })
  registry.add({ id, kind: kinds[type], fields: written(type, fields) })
  const problems = registry.check()
  if (problems.length > 0) throw diagnosticsError(problems)
  const overlays = stack.use(new OverlayTable(registry, { stateDir: folder, log: say }))
  await overlays.add(id)
  const held = stack.move()
  const variable = fields['auth_key_env'] ?? keyVariable
  return {
    id,
    route: overlays.route(id),
    variables: type === 'tailnet' ? [variable] : [],
    [Symbol.asyncDispose]: async () => held.disposeAsync(),
  }
}

function written(type: 'tailnet' | 'i2p', fields: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const own: Record<string, unknown> = {}
  const options: Record<string, string> = {}
  for (const [name, text] of Object.entries(fields)) {
    if (name.startsWith(ofRouter)) options[name.slice(ofRouter.length)] = text
    else own[name] = valueOf(name, text)
  }
  if (Object.keys(options).length > 0) own['options'] = options
  if (type === 'i2p') return own
  if ('auth_key' in fields)
    throw invalid(
      `auth_key: a key is never given on the command line: set ${keyVariable}, or name a variable in auth_key_env`,
    )
  const keyed = fields['auth_key_env'] !== undefined || process.env[keyVariable] !== undefined
  return {
    hostname: 'troupe-exec',
    ephemeral: fields['state_dir'] === undefined,
    ...own,
    ...(keyed && { auth_key_env: fields['auth_key_env'] ?? keyVariable }),
  }
}

function valueOf(name: string, text: string): unknown {
  if (numbers.has(name)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  return name === 'tags' ? text.split(',') : text
}
