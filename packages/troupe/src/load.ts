/** Reads an application: its configuration and its entries. Nothing is started. */
import { join } from 'node:path'
import { entryId, isEntryId } from '@troupe/core'
import { functionKinds } from '@troupe/functions/kernel'
import { checkRoutes, httpKinds } from '@troupe/http/kernel'
import { checkOverlays, networkKinds, type OverlayKind } from '@troupe/network/kernel'
import { policyKinds } from '@troupe/policy/kernel'
import { processKinds } from '@troupe/process/kernel'
import {
  type AppConfig,
  configPosition,
  didYouMean,
  type EntryInput,
  type Kind,
  readConfig,
  parseOverride,
  type Diagnostic,
  Registry,
} from '@troupe/registry'

export interface LoadOptions {
  /** The application's folder: it contains `.troupe.yaml`, and `src/` with the entries. */
  readonly root: string
  /** Entries instead of those of the folder; then only their files are relative to the folder. */
  readonly entries?: readonly EntryInput[]
  /** Configuration files instead of `.troupe.yaml`; later ones override earlier ones. */
  readonly config?: readonly string[]
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
  readonly kind: OverlayKind
  /** URL of the module that adds its driver (`addDriver` of `@troupe/network/driver`): every thread imports it. */
  readonly driver: string
}

/** An application that was read. */
export interface Loaded {
  readonly config: AppConfig
  readonly registry: Registry
  readonly overlays: readonly OwnOverlay[]
  /** All its problems, by position. Empty when it can start. */
  readonly problems: readonly Diagnostic[]
}

/** The kinds of entries that an application may have. */
export const kinds: readonly Kind[] = [...processKinds, ...functionKinds, ...networkKinds, ...policyKinds, ...httpKinds]

/**
 * Reads an application's configuration and entries, and checks them.
 *
 * @throws TroupeError `NotFound` when the folder cannot be read, `Invalid` for a wrong configuration or override.
 */
export async function load(options: LoadOptions): Promise<Loaded> {
  return loadWith(readConfigOf(options), options)
}

/** Reads only the configuration, synchronously. @throws TroupeError like {@link load} */
export function readConfigOf(options: LoadOptions): AppConfig {
  return readConfig(options.root, {
    ...((options.config ?? options.entries) && { files: options.config ?? [] }),
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
  else registry.add(...options.entries)
  for (const text of options.overrides ?? []) {
    const { id, path, value } = parseOverride(text)
    registry.override(id, path, value)
  }
  registry.env.readSecrets()
  const overOthers = [...checkRoutes(registry), ...checkOverlays(registry, config.networkService.stateDir)]
  return { config, registry, overlays, problems: [...registry.check(), ...checkDefault(config, registry), ...overOthers] }
}

/** The default network must be an overlay. */
function checkDefault(config: AppConfig, registry: Registry): readonly Diagnostic[] {
  const id = config.networkService.defaultNetwork
  if (id === undefined) return []
  const overlays = registry.find({ kind: 'network.*' }).map((entry) => entry.id)
  if (isEntryId(id) && overlays.includes(entryId(id))) return []
  const place = configPosition(config, ['network_service', 'default_network'])
  return [
    {
      code: 'dangling-reference',
      message: `network_service.default_network: there is no overlay ${id}${didYouMean(id, overlays)}`,
      path: 'network_service.default_network',
      ...(place && { place }),
    },
  ]
}
