/** Checks that only this user can access the state of overlays, databases of tokens, and keys. */
import { access, constants, lstat, readdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { type Check, entriesOf, type Patient } from './context.ts'
import { type Found, ok, placeOf, shellWord, shownPath } from './finding.ts'

/** A larger state is not read to its end. */
const mostFiles = 2000
const forOthers = 0o077
const octal = 8

/** A file or folder that holds secrets. */
interface Private {
  readonly path: string
  readonly what: string
  /** The entry, if an entry names it. */
  readonly entry?: string
}

export const filesCheck: Check = {
  name: 'files',
  async run(patient) {
    const { stateDir } = patient.config.networkService
    const state = await stateFiles(stateDir)
    const files = [...state.files, ...filesOf(patient)]
    const found = await Promise.all(files.map(async (file) => examine(file, patient)))
    const faults = [...state.faults, ...found.flat(), ...(await unwritable(patient))]
    return faults.length > 0 ? faults : [ok(`open to this user only; files and folders: ${files.length}`)]
  },
}

/** The files that the configuration and entries name. */
function filesOf(patient: Patient): readonly Private[] {
  const { config, registry } = patient
  const history = config.registry.history === 'sqlite' ? [config.registry.historyPath] : []
  const stores = entriesOf(patient, 'security.token_store', z.object({ storage: z.string(), path: z.string() }))
  const variables = entriesOf(patient, 'env.storage.file', z.object({ path: z.string() }))
  const named = ['http.service', 'security.token_store'].flatMap((kind) =>
    entriesOf(patient, kind, z.unknown()).flatMap(({ entry, decoded }) =>
      decoded.files
        .filter(({ path }) => ['key', 'keyFile', 'key_file'].includes(String(path.at(-1))))
        .map(({ file }) => ({ path: file, what: 'a private key', entry: placeOf(entry) })),
    ),
  )
  return [
    ...history.map((path) => ({ path: resolve(registry.root, path), what: 'the history of the registry' })),
    ...stores.flatMap(({ entry, fields: { storage, path } }) =>
      storage === 'sqlite'
        ? [{ path: resolve(registry.root, path), what: 'the tokens of a store', entry: placeOf(entry) }]
        : [],
    ),
    ...variables.map(({ entry, fields }) => ({
      path: resolve(registry.root, fields.path),
      what: 'values of variables',
      entry: placeOf(entry),
    })),
    ...named,
  ]
}

/** The state folder and all that is in it. Links are not followed. */
async function stateFiles(
  stateDir: string,
): Promise<{ readonly files: readonly Private[]; readonly faults: readonly Found[] }> {
  const files: Private[] = []
  const faults: Found[] = []
  const waiting = [stateDir]
  for (let path = waiting.pop(); path !== undefined && files.length < mostFiles; path = waiting.pop()) {
    files.push({ path, what: 'the state of overlays' })
    try {
      for (const item of await readdir(path, { withFileTypes: true })) {
        const inner = join(path, item.name)
        if (item.isDirectory()) waiting.push(inner)
        else if (!item.isSymbolicLink()) files.push({ path: inner, what: 'the state of overlays' })
      }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') faults.push(unreadable(path, error))
    }
  }
  return { files, faults }
}

async function examine({ path, what, entry }: Private, { system }: Patient): Promise<readonly Found[]> {
  if (system.uid === undefined) return []
  const where = entry === undefined ? shownPath(path) : `${entry}: ${shownPath(path)}`
  try {
    const found = await lstat(path)
    const wanted = found.isDirectory() ? '700' : '600'
    if (found.uid !== system.uid)
      return [
        {
          severity: 'error',
          message: `${what} belongs to another user (${found.uid}, and this is ${system.uid})`,
          where,
          remedy: `chown ${system.uid} ${shellWord(path)}`,
        },
      ]
    if ((found.mode & forOthers) === 0 || found.isSymbolicLink()) return []
    const mode = (found.mode & 0o777).toString(octal).padStart(4, '0')
    return [
      {
        severity: 'error',
        message: `${what} is open to other users of this machine (mode ${mode}, expected 0${wanted})`,
        where,
        remedy: `chmod ${wanted} ${shellWord(path)}`,
      },
    ]
  } catch (error) {
    // What does not exist yet is made when it is needed; missing files of entries are problems of the configuration.
    return ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '') ? [] : [unreadable(where, error)]
  }
}

function unreadable(where: string, error: unknown): Found {
  return {
    severity: 'error',
    message: `it cannot be read (${codeOf(error) ?? String(error)})`,
    where: shownPath(where),
    remedy: `run troupe as the owner of the file, or: chmod u+rwX ${shellWord(where)}`,
  }
}

/** Overlays keep keys, and a running application its report, in the state folder. */
async function unwritable({ config, registry }: Patient): Promise<readonly Found[]> {
  if (registry.find({ kind: 'network.*' }).length === 0) return []
  const { stateDir } = config.networkService
  for (let path = stateDir; ; path = dirname(path)) {
    try {
      await access(path, constants.W_OK | constants.X_OK)
      return []
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && dirname(path) !== path) continue
      return [
        {
          severity: 'error',
          message: `this user cannot write it (${codeOf(error) ?? String(error)}), and overlays keep keys there`,
          where: `network_service.state_dir: ${shownPath(stateDir)}`,
          remedy: 'set network_service.state_dir in .troupe.yaml to a folder that this user can write',
        },
      ]
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
