/** What plain JavaScript may pass instead of options. */
import { invalid } from '@troupe/core'
import type { StartOptions } from './start-options.ts'

/**
 * Refuses anything but an object of options.
 *
 * @param at - The name of the value, for errors.
 * @throws TroupeError `Invalid`
 */
export function checkOptions(options: unknown, at: string): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalid(`${at}: expected an object of options, and this is ${shown(options)}`, { path: at })
}

/** The options of `start` that are no sections, with what they must be. */
const plain: { readonly [Name in keyof StartOptions]?: readonly [check: (value: unknown) => boolean, words: string] } =
  {
    entries: [Array.isArray, 'an array of entries'],
    root: [isText, 'the path of a folder'],
    config: [isObject, 'an object with sections'],
    network: [(value) => value === null || isText(value), 'a name, an id, or null'],
    ambient: [(value) => typeof value === 'boolean', 'true or false'],
    onLog: [(value) => typeof value === 'function', 'a function'],
  }

/** Checks the options of `start` that are no sections. @throws TroupeError `Invalid`, naming the option. */
export function checkPlainOptions(options: object): void {
  for (const [name, [isRight, words]] of Object.entries(plain)) {
    const value: unknown = Reflect.get(options, name)
    if (value !== undefined && !isRight(value))
      throw invalid(`${name}: expected ${words}, and this is ${shown(value)}`, { path: name })
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The type only: the value may be a secret. */
function shown(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : `of the type ${typeof value}`
}
