/** Storages of variables. */
import { TroupeError } from '@troupe/core'
import { readDotenv, writeDotenv } from './dotenv.ts'

/** Where variables are kept. */
export interface EnvStorage {
  get(name: string): string | undefined
  /** @throws TroupeError `PermissionDenied` where the storage is never written to. */
  set(name: string, value: string): void
}

export function osEnv(prefix = ''): EnvStorage {
  return { get: (name) => process.env[prefix + name], set: readOnly('the environment of the operating system') }
}

export function fileEnv(file: string): EnvStorage {
  return { get: (name) => readDotenv(file).get(name), set: (name, value) => writeDotenv(file, name, value) }
}

export function memoryEnv(values: Map<string, string>): EnvStorage {
  return {
    get: (name) => values.get(name),
    set: (name, value) => {
      values.set(name, value)
    },
  }
}

export function staticEnv(values: Readonly<Record<string, string>>): EnvStorage {
  return { get: (name) => (Object.hasOwn(values, name) ? values[name] : undefined), set: readOnly('a static storage') }
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
  }
}

function readOnly(what: string): (name: string) => never {
  return (name) => {
    throw new TroupeError('PermissionDenied', `the variable ${name} can not be set: ${what} is never written to`, { details: { name } })
  }
}
