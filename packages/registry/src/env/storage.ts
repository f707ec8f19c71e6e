/** Storages of variables. */
import { realPath, TroupeError } from '@troupe/core'
import { readDotenv, writeDotenv } from './dotenv.ts'

/** A storage of variables. */
export interface EnvStorage {
  get(name: string): string | undefined
  /** @throws TroupeError `PermissionDenied` when the storage is read-only. */
  set(name: string, value: string): void
  /** Where the value may be: two variables with a common place are one variable. */
  places(name: string): readonly string[]
}

export function osEnv(prefix = ''): EnvStorage {
  return {
    get: (name) => process.env[prefix + name],
    set: readOnly('the environment of the operating system'),
    places: (name) => [osPlace(prefix + name)],
  }
}

/** The place of a variable of the operating system; on Windows its names are case-insensitive. */
export function osPlace(name: string): string {
  return place('os', process.platform === 'win32' ? name.toUpperCase() : name)
}

export function fileEnv(file: string): EnvStorage {
  return {
    get: (name) => readDotenv(file).get(name),
    set: (name, value) => writeDotenv(file, name, value),
    places: (name) => [place('file', realPath(file), name)],
  }
}

export function memoryEnv(values: Map<string, string>, id: string): EnvStorage {
  return {
    places: (name) => [place('memory', id, name)],
    get: (name) => values.get(name),
    set: (name, value) => {
      values.set(name, value)
    },
  }
}

export function staticEnv(values: Readonly<Record<string, string>>, id: string): EnvStorage {
  return {
    get: (name) => (Object.hasOwn(values, name) ? values[name] : undefined),
    set: readOnly('a static storage'),
    places: (name) => [place('static', id, name)],
  }
}

export function routerEnv(storages: readonly EnvStorage[]): EnvStorage {
  return {
    get: (name) => {
      for (const storage of storages) {
        const value = storage.get(name)
        if (value !== undefined) return value
      }
      return undefined
    },
    set: (name, value) => storages[0]?.set(name, value),
    places: (name) => storages.flatMap((storage) => storage.places(name)),
  }
}

function place(...parts: readonly string[]): string {
  return parts.join('\0')
}

function readOnly(what: string): (name: string) => never {
  return (name) => {
    throw new TroupeError('PermissionDenied', `the variable ${name} cannot be set: ${what} is read-only`, {
      details: { name },
    })
  }
}
