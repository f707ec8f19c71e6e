/** Kernel side of `network.tailscale`: each entry is its own node in a tailnet, held by the sidecar. */
import { type EntryId, invalid, nameOf, readGivenFile, TroupeError } from '@troupe/core'
import type { FieldsOf } from '@troupe/registry'
import { X509Certificate } from 'node:crypto'
import { join, resolve } from 'node:path'
import type { Overlay } from '../../overlay/overlay.ts'
import { type Entries, type OverlayKind, overlayKind, type Site } from '../../overlay/overlay-kind.ts'
import { pemOpening, tailscaleKind } from './config.ts'
import { keptAddress } from './address-file.ts'
import type { Sidecars } from './sidecar.ts'

type Fields = FieldsOf<typeof tailscaleKind>

/**
 * All programs load this module, and few have a node: what runs one is loaded with the first.
 *
 * @param program - Returns the path of the sidecar.
 */
export function tailscaleOverlay(program: () => Promise<string>): OverlayKind {
  /** Shared by all applications of this program. */
  let sidecars: Sidecars | undefined
  return {
    ...overlayKind(tailscaleKind, async (id, fields, site): Promise<Overlay> => {
      const authorities = authoritiesOf(id, fields)
      const nodes = await import('./open-node.ts')
      sidecars ??= new nodes.Sidecars(program)
      return nodes.openNode({
        id,
        fields,
        site,
        hostname: hostnameOf(id, fields),
        stateDir: stateOf(id, fields, site),
        authKey: keyOf(id, fields, site),
        sidecar: sidecars.of(authorities),
      })
    }),
    keptAddress,
    problems: (entries, id) => caProblems(id, entries.decode(id, tailscaleKind).fields),
    held: (entries, id, site) => ({
      path: 'state_dir',
      state: stateOf(id, entries.decode(id, tailscaleKind).fields, site),
    }),
    examine: async (entries, id, { stateDir, signal }) => {
      const { fields } = entries.decode(id, tailscaleKind)
      const { examineTailnet } = await import('./examine.ts')
      return examineTailnet({
        hasKey: keyOf(id, fields, { variable: (name) => entries.variable(id, name) }) !== undefined,
        stateDir: stateOf(id, fields, { stateDir }),
        controlUrl: fields.controlUrl,
        authorities: authoritiesOf(id, fields),
        signal,
      })
    },
    exclusive: (entries: Entries, id: EntryId, site) => stateOf(id, entries.decode(id, tailscaleKind).fields, site),
  }
}

/** Returns the entry's name, reduced to the characters that DNS allows. */
function hostnameOf(id: EntryId, { hostname }: Fields): string {
  if (hostname !== undefined) return hostname
  const name = nameOf(id)
    .toLowerCase()
    .replaceAll(/[^a-z\d-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
  if (name !== '') return name
  throw invalid(`hostname: the name of ${id} is not a valid node name: set hostname`, {
    overlay: id,
    path: 'hostname',
  })
}

/** Returns the folder of the node's keys, which only one node may use. */
function stateOf(id: EntryId, fields: Fields, { stateDir }: Pick<Site, 'stateDir'>): string {
  return fields.stateDir === undefined
    ? join(stateDir, 'tailscale', hostnameOf(id, fields))
    : resolve(stateDir, fields.stateDir)
}

/** @throws TroupeError `Invalid` for a file that cannot be read, or contains no certificate. */
function authoritiesOf(id: EntryId, { ca }: Fields): string {
  if (ca === undefined) return ''
  try {
    const text = ca.startsWith(pemOpening) ? ca : readGivenFile(ca).toString()
    // Parsed for validation only; the message of OpenSSL is not shown.
    void new X509Certificate(text)
    return text
  } catch (cause) {
    const why =
      cause instanceof TroupeError
        ? 'it is a pipe'
        : cause instanceof Error && 'code' in cause
          ? String(cause.code)
          : 'it holds none'
    throw invalid(`ca: the certificates of overlay ${id} cannot be read (${why})`, { overlay: id, path: 'ca' })
  }
}

/** What an operator should hear of before the overlay starts. */
function caProblems(id: EntryId, fields: Fields): readonly { readonly path: string; readonly message: string }[] {
  try {
    void authoritiesOf(id, fields)
    return []
  } catch (error) {
    return [{ path: 'ca', message: error instanceof Error ? error.message.replace(/^ca: /, '') : String(error) }]
  }
}

/** Returns the auth key; `undefined` where the operator logs the node in. */
function keyOf(id: EntryId, { authKey, authKeyEnv }: Fields, { variable }: Pick<Site, 'variable'>): string | undefined {
  if (authKey !== undefined || authKeyEnv === undefined) return authKey
  const key = variable(authKeyEnv)?.trim()
  if (key !== undefined && key !== '') return key
  throw invalid(`auth_key_env: the variable ${authKeyEnv} of overlay ${id} is not set`, {
    overlay: id,
    path: 'auth_key_env',
  })
}
