/** The builtins that the runtime of a thread needs, and checks of what it needs of them. */

export interface Builtin {
  readonly name: string
  /** Returns the current value of the builtin. */
  readonly now: () => unknown
}

function of(name: string, holder: object, keys: readonly PropertyKey[]): readonly Builtin[] {
  const { get } = Reflect
  return keys.map((key) => ({ name: `${name}.${String(key)}`, now: (): unknown => get(holder, key) }))
}

const arrayMethods = [
  'push',
  'pop',
  'shift',
  'splice',
  'slice',
  'map',
  'filter',
  'some',
  'every',
  'forEach',
  'includes',
  'indexOf',
] as const
const more = ['find', 'flatMap', 'concat', 'join', 'entries', 'keys', 'values', Symbol.iterator] as const
const collection = ['has', 'delete', 'clear', 'values', 'entries', 'keys', Symbol.iterator] as const
const timers = ['setTimeout', 'setImmediate', 'clearTimeout', 'queueMicrotask'] as const
const classes = [
  'Promise',
  'Map',
  'Set',
  'WeakMap',
  'Error',
  'AbortController',
  'Array',
  'Object',
  'Symbol',
  'Uint8Array',
  'URL',
] as const

export const requiredBuiltins: readonly Builtin[] = [
  ...of('Array.prototype', Array.prototype, [...arrayMethods, ...more]),
  ...of('Map.prototype', Map.prototype, ['get', 'set', ...collection]),
  ...of('Set.prototype', Set.prototype, ['add', ...collection]),
  ...of('WeakMap.prototype', WeakMap.prototype, ['get', 'set', 'has']),
  ...of('Promise.prototype', Promise.prototype, ['then', 'catch', 'finally']),
  ...of('Promise', Promise, ['resolve', 'reject', 'all', 'race', 'withResolvers']),
  ...of('Object', Object, ['keys', 'entries', 'assign', 'fromEntries', 'getPrototypeOf', 'freeze']),
  ...of('Reflect', Reflect, ['apply', 'get', 'set', 'deleteProperty', 'ownKeys']),
  ...of('String.prototype', String.prototype, ['slice', 'startsWith', 'includes', 'split', 'indexOf', 'replace']),
  ...of('Function.prototype', Function.prototype, ['call', 'apply', 'bind']),
  ...of('Number', Number, ['isInteger', 'isSafeInteger', 'isFinite']),
  ...of('Math', Math, ['min', 'max', 'floor']),
  ...of('JSON', JSON, ['parse', 'stringify']),
  ...of('process', process, ['nextTick', 'emit', 'on']),
  ...of('globalThis', globalThis, [...classes, ...timers]),
]

/** Whether the builtins with synchronous results work correctly. */
export function work(): boolean {
  try {
    return arrays() && collections() && texts() && objects()
  } catch {
    return false
  }
}

function arrays(): boolean {
  const list = [1, 2]
  list.push(3, 4)
  if (list.length !== 4 || list.shift() !== 1 || list.pop() !== 4 || list.splice(0, 1)[0] !== 2 || list[0] !== 3)
    return false
  const [first] = list.map((value) => value + 1)
  if (first !== 4 || list.filter((value) => value > 5).length !== 0 || !list.includes(3) || list.indexOf(3) !== 0)
    return false
  if (!list.some((value) => value === 3) || list.every((value) => value > 5) || list.find((value) => value === 3) !== 3)
    return false
  let sum = 0
  for (const value of [...list, ...list.slice(), ...list.concat(5)]) sum += value
  for (const [index, value] of list.entries()) sum += index + value
  for (const value of list.values()) sum += value
  for (const key of list.keys()) sum += key
  // oxlint-disable-next-line unicorn/no-array-for-each -- It is one of those that are tried.
  list.forEach((value) => {
    sum += value
  })
  return sum === 23 && list.flatMap((value) => [value, value]).join() === '3,3'
}

function collections(): boolean {
  const key = {}
  const map = new Map([[key, 1]])
  map.set(key, 2)
  const set = new Set([key])
  set.add(map)
  const weak = new WeakMap([[key, 1]])
  weak.set(map, 3)
  if (map.get(key) !== 2 || !map.has(key) || map.size !== 1 || set.size !== 2 || !set.has(map)) return false
  if (weak.get(map) !== 3 || weak.get(key) !== 1 || !weak.has(key)) return false
  let count = 0
  for (const [, value] of map) count += value
  for (const value of map.values()) count += value
  for (const [, value] of map.entries()) count += value
  for (const _ of map.keys()) count += 1
  for (const _ of set) count += 1
  for (const _ of set.values()) count += 1
  return count === 11 && map.delete(key) && !map.has(key) && set.delete(map) && !set.has(map) && isCleared(set)
}

function isCleared(set: Set<object>): boolean {
  set.clear()
  return set.size === 0
}

function texts(): boolean {
  const text = 'a.b'
  if (text.slice(1) !== '.b' || !text.startsWith('a') || !text.includes('.') || text.indexOf('b') !== 2) return false
  if (text.split('.')[1] !== 'b' || text.replace('a', 'c') !== 'c.b' || JSON.stringify({ a: [1] }) !== '{"a":[1]}')
    return false
  const parsed: unknown = JSON.parse('[1]')
  if (!Array.isArray(parsed) || parsed[0] !== 1 || new URL('file:///a').pathname !== '/a') return false
  return (
    Number.isInteger(1) &&
    !Number.isSafeInteger(0.5) &&
    Number.isFinite(1) &&
    Math.min(1, 2) + Math.max(1, 2) + Math.floor(1.5) === 4
  )
}

function objects(): boolean {
  const target: Record<string, number> = Object.assign({}, { a: 1 })
  if (
    Object.keys(target)[0] !== 'a' ||
    Object.entries(target)[0]?.[1] !== 1 ||
    Object.fromEntries([['b', 2]])['b'] !== 2
  )
    return false
  if (
    Reflect.get(target, 'a') !== 1 ||
    !Reflect.set(target, 'b', 2) ||
    target['b'] !== 2 ||
    Reflect.ownKeys(target).length !== 2
  )
    return false
  if (
    !Reflect.deleteProperty(target, 'b') ||
    'b' in target ||
    Object.getPrototypeOf(Object.freeze(target)) !== Object.prototype
  )
    return false
  const add = (one: number, two: number) => one + two
  // oxlint-disable-next-line eslint/no-useless-call -- It is one of those that are tried.
  if (Reflect.apply(add, undefined, [1, 2]) !== 3 || add.call(undefined, 1, 2) !== 3 || add.bind(undefined, 1)(2) !== 3)
    return false
  const { signal } =
    AbortSignal.any([AbortSignal.abort(1)]) instanceof AbortSignal ? new AbortController() : { signal: undefined }
  return (
    signal?.aborted === false &&
    new Error('a').message === 'a' &&
    new Uint8Array(2).length === 2 &&
    Symbol('a') !== Symbol('a')
  )
}

/** Checks the builtins with asynchronous results. Call the returned function when microtasks have run. */
export function settles(): () => boolean {
  let count = 0
  const one = () => {
    count += 1
  }
  try {
    process.nextTick(one)
    queueMicrotask(one)
    new Promise<void>((resolve) => resolve()).then(one, one)
    const { promise, resolve } = Promise.withResolvers<void>()
    void promise.finally(one)
    resolve()
    // If the rejection is not handled, this is the reason with which the process ends.
    Promise.reject(new Error('Promise.prototype.catch was replaced, and no longer works')).catch(one)
    void Promise.all([Promise.resolve(1), promise]).then(one)
    void Promise.race([promise, Promise.resolve(1)]).then(one)
    void awaits(one)
  } catch {
    return () => false
  }
  return () => count === 8
}

async function awaits(then: () => void): Promise<void> {
  await Promise.resolve()
  then()
}
