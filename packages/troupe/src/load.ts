/** Reads an application: its configuration and its entries. Nothing is started. */
import { join } from 'node:path'
import { entryId, isEntryId } from '@troupe/core'
import { functionKinds } from '@troupe/functions/kernel'
import { checkRoutes, httpKinds } from '@troupe/http/kernel'
import { checkOverlays, networkKinds, type OverlayKind } from '@troupe/network/kernel'
import { policyKinds } from '@troupe/policy/kernel'
import { processKinds } from '@troupe/process/kernel'
import { queueKinds } from '@troupe/queue/kernel'
import {
  type AppConfig,
  configPosition,
  didYouMean,
  type Kind,
  readConfig,
  parseOverride,
  type Diagnostic,
  readWrittenEntry,
  Registry,
  type WrittenEntry,
} from '@troupe/registry'

/** Where an application is read, and what is laid over its files. */
export interface LoadOptions {
  /** The application's folder: it contains `.troupe.yaml`, and `src/` with the entries. */
  readonly root: string
  /**
   * Entries instead of those of the folder, with their fields as in YAML: `{ id: 'app:proxy', kind: 'network.socks5',
   * host: '127.0.0.1', port: 9050 }`. Then only their files are relative to the folder.
   */
  readonly entries?: readonly WrittenEntry[]
  /** Configuration files instead of `.troupe.yaml`; later ones override earlier ones. */
  readonly config?: readonly string[]
  /** Sections of the configuration, with their fields as in YAML, laid over all files. */
  readonly sections?: Readonly<Record<string, unknown>>
  /**
   * Values of `env.variable` entries, by their ids: they are set before the entries are checked, so that no entry
   * contains them.
   */
  readonly variables?: Readonly<Record<string, string>>
  /** Profiles of the configuration that are laid over it; later ones override earlier ones. */
  readonly profiles?: readonly string[]
  /** `section.path=value` for the configuration. */
  readonly set?: readonly string[]
  /** `namespace:name:field=value` for entries. */
  readonly overrides?: readonly string[]
  /** Kinds of overlays in addition to Troupe's own. */
  readonly overlays?: readonly OwnOverlay[]
}

/** A kind of overlay that an application adds. */
export interface OwnOverlay {
  /** The kind of its entries. */
  readonly kind: OverlayKind
  /** URL of the module that adds its driver (`addDriver` of `@troupe/network/driver`): every thread imports it. */
  readonly driver: string
}

/** An application that was read. */
export interface Loaded {
  /** The configuration. */
  readonly config: AppConfig
  /**
   * Reads the configuration again. Throws like {@link load}.
   *
   * @example
   * ```ts
   * const { reread } = await load({ root: '.' })
   * console.log(reread().log.level) // as the file has it now
   * ```
   */
  readonly reread: () => AppConfig
  /** The entries. */
  readonly registry: Registry
  /** Kinds of overlays that the application defines itself. */
  readonly overlays: readonly OwnOverlay[]
  /** All its problems, by position. Empty when it can start. */
  readonly problems: readonly Diagnostic[]
}

/** The kinds of entries that an application may have. */
export const kinds: readonly Kind[] = [
  ...processKinds,
  ...functionKinds,
  ...queueKinds,
  ...networkKinds,
  ...policyKinds,
  ...httpKinds,
]

/**
 * Reads an application's configuration and entries, and checks them.
 *
 * @example
 * ```ts
 * const { registry, problems } = await load({ root: '.' })
 * for (const { message } of problems) console.error(message)
 * ```
 *
 * @throws TroupeError `NotFound` when the folder cannot be read; `Invalid` for a wrong configuration, override or
 *   entry.
 */
export async function load(options: LoadOptions): Promise<Loaded> {
  return loadWith(readConfigOf(options), options)
}

/** Reads only the configuration, synchronously. @throws TroupeError like {@link load} */
export function readConfigOf(options: LoadOptions): AppConfig {
  return readConfig(options.root, {
    ...((options.config ?? options.entries) && { files: options.config ?? [] }),
    ...(options.sections && { sections: options.sections }),
    ...(options.profiles && { profiles: options.profiles }),
    ...(options.set && { set: options.set }),
  })
}

/** Reads the entries of an application whose configuration was already read. Throws like {@link load}. */
export async function loadWith(config: AppConfig, options: LoadOptions): Promise<Loaded> {
  const { overlays = [] } = options
  const registry = new Registry({
    kinds: [...kinds, ...overlays.map(({ kind }) => kind.kind)],
    root: config.root,
    sourceFolders: config.registry.sourceFolders ?? [],
  })
  if (options.entries === undefined) await registry.load(join(config.root, 'src'))
  else registry.add(...options.entries.map((entry, index) => readWrittenEntry(entry, `entries[${index}]`)))
  for (const text of options.overrides ?? []) {
    const { id, path, value } = parseOverride(text)
    registry.override(id, path, value)
  }
  for (const [name, value] of Object.entries(options.variables ?? {})) registry.env.set(name, value)
  registry.env.readSecrets()
  const overOthers = [...checkRoutes(registry), ...checkOverlays(registry, config.networkService.stateDir)]
  return {
    config,
    reread: () => readConfigOf(options),
    registry,
    overlays,
    problems: [
      ...registry.check(),
      ...checkDefault(config, registry),
      ...checkClusterNetwork(config, registry),
      ...checkLevels(config, registry),
      ...overOthers,
    ],
  }
}

/** The default network must be an overlay. */
function checkDefault(config: AppConfig, registry: Registry): readonly Diagnostic[] {
  const id = config.networkService.defaultNetwork
  return id === undefined ? [] : checkOverlayId(config, registry, id, ['network_service', 'default_network'])
}

function checkOverlayId(
  config: AppConfig,
  registry: Registry,
  id: string,
  at: readonly [string, string],
): readonly Diagnostic[] {
  const overlays = registry.find({ kind: 'network.*' }).map((entry) => entry.id)
  if (isEntryId(id) && overlays.includes(entryId(id))) return []
  const path = at.join('.')
  const place = configPosition(config, at)
  return [
    {
      code: 'dangling-reference',
      message: `${path}: there is no overlay ${id}${didYouMean(id, overlays)}`,
      path,
      ...(place && { place }),
    },
  ]
}

/** The network of the cluster must be an overlay. */
function checkClusterNetwork(config: AppConfig, registry: Registry): readonly Diagnostic[] {
  const id = config.cluster?.network ?? undefined
  return id === undefined ? [] : checkOverlayId(config, registry, id, ['cluster', 'network'])
}

/** Levels of the log may be set for entries that exist. */
function checkLevels(config: AppConfig, registry: Registry): readonly Diagnostic[] {
  const ids = registry.entries().map((entry) => entry.id)
  const unknown = Object.keys(config.log.entries).filter((id) => !ids.some((known) => known === id))
  return unknown.map((id) => {
    const place = configPosition(config, ['log', 'entries', id])
    return {
      code: 'dangling-reference',
      message: `log.entries: there is no entry ${id}${didYouMean(id, ids)}`,
      path: 'log.entries',
      ...(place && { place }),
    }
  })
}
