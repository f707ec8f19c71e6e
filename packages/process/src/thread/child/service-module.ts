/** The module of a `ChildService`: what a package above this one runs in a process. */
import { TroupeError } from '@troupe/core'
import type { Runtime } from '../runtime.ts'

/** What such a module exports. */
export interface ServiceModule {
  serve(runtime: Runtime, data: unknown): void
  warmUp(strict: boolean): Promise<void>
}

/** @throws TroupeError `Internal` for a module without these functions: calls would wait for it without end. */
export async function serviceModule(url: string): Promise<ServiceModule> {
  const module: unknown = await import(url)
  if (isServiceModule(module)) return module
  throw new TroupeError('Internal', `${url} exports no "serve" and "warmUp": it cannot run in a process of Troupe`)
}

function isServiceModule(value: unknown): value is ServiceModule {
  if (typeof value !== 'object' || value === null) return false
  return ['serve', 'warmUp'].every((name) => typeof Reflect.get(value, name) === 'function')
}
