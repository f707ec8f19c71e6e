/**
 * Decides which native addons may load in an overlay: those of packages that the application's author named in
 * `network_service.native`.
 */
import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { property } from '../../sockets/internals.ts'

let trusted: readonly string[] = []

/** Registers packages whose addons open no sockets. Runtimes call it before any user code. */
export function trustAddons(packages: readonly string[]): void {
  trusted = packages
}

/**
 * Whether the addon is in a named package, or in one that a named package lists in `optionalDependencies`. Binaries for
 * single platforms are published that way (`sharp` and `@img/sharp-linux-x64`). Links are resolved first.
 */
export function isTrustedAddon(file: unknown): boolean {
  if (trusted.length === 0 || typeof file !== 'string') return false
  try {
    const home = packageOf(realpathSync(file.startsWith('file:') ? fileURLToPath(file) : file))
    return (
      home !== undefined &&
      trusted.some((name) => name === home.name || optionalPackages(name, home.folder).includes(home.name))
    )
  } catch {
    // A missing file belongs to no package.
    return false
  }
}

interface Home {
  readonly name: string
  readonly folder: string
}

/**
 * Returns the package of a file: by its place in `node_modules`, or, outside of any, by the nearest `package.json` with
 * a name.
 */
function packageOf(file: string): Home | undefined {
  const modules = `${sep}node_modules${sep}`
  const at = file.lastIndexOf(modules)
  if (at !== -1) {
    const below = file.slice(at + modules.length).split(sep)
    const parts = below.slice(0, below[0]?.startsWith('@') === true ? 2 : 1)
    return { name: parts.join('/'), folder: join(file.slice(0, at), 'node_modules', ...parts) }
  }
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const name = property(manifestIn(folder), 'name')
    if (typeof name === 'string') return { name, folder }
  }
  return undefined
}

/** Returns the `optionalDependencies` of the package `name`, resolved by Node from `folder`. */
function optionalPackages(name: string, folder: string): readonly string[] {
  for (let at = folder; ; at = dirname(at)) {
    const manifest = manifestIn(join(at, 'node_modules', name))
    if (manifest !== undefined) return keysOf(property(manifest, 'optionalDependencies'))
    if (at === dirname(at)) return []
  }
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : []
}

function manifestIn(folder: string): unknown {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return manifest
  } catch {
    return undefined
  }
}
