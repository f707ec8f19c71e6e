/**
 * Processes of other nodes of a cluster: `<web~3f|8.25>`. Their node, its incarnation and their thread are a place:
 * `web~3f|8`. Each thread here has a negative number of its own for each place that it reaches, so that the code that
 * knows threads by their numbers need not know of nodes.
 */

/** The number of no thread: it stands for places that code of this thread has not reached. */
export const unreached = -1

const numbers = new Map<string, number>()
const places = new Map<number, string>()
let last = unreached

/** Whether a pid is that of a process of another node. */
export function isRemote(pid: string): boolean {
  return pid.includes('|')
}

/** The place of a process of another node: `web~3f|8`. */
export function placeOf(pid: string): string {
  return pid.slice(1, pid.lastIndexOf('.'))
}

/** The number of the thread of a process of another node, if code of this thread has reached that place. */
export function remoteThread(pid: string): number {
  return numbers.get(placeOf(pid)) ?? unreached
}

/** The number of a place for this thread, from now on. */
export function reachPlace(place: string): number {
  const known = numbers.get(place)
  if (known !== undefined) return known
  last -= 1
  numbers.set(place, last)
  places.set(last, place)
  return last
}

/** The place that has this number. */
export function placeOfThread(thread: number): string | undefined {
  return places.get(thread)
}

/** A place is not reached any more: its number is not used again. */
export function forgetPlace(thread: number): void {
  const place = places.get(thread)
  places.delete(thread)
  if (place !== undefined) numbers.delete(place)
}

/** What a pid in a message means: each node writes the pids of its own processes without its name. */
export interface PidNames {
  /** The node and the incarnation that sent the message: `web~3f`. */
  readonly sender: string
  /** Those of this node. */
  readonly own: string
}

const local = /^<(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)>$/
/** Longer texts are no pids. */
const longest = 80

/** A text as this node writes it, if it is a pid; otherwise the text. */
function pidFrom(text: string, { sender, own }: PidNames): string {
  if (!text.startsWith('<') || text.length > longest || !text.endsWith('>')) return text
  if (local.test(text)) return `<${sender}|${text.slice(1)}`
  return text.startsWith(`<${own}|`) ? `<${text.slice(own.length + 2)}` : text
}

/**
 * Replaces the pids in a value that was just decoded by those that this node writes. Texts are pids where they have the
 * form of one; keys of objects are not.
 */
export function pidsFrom(value: unknown, names: PidNames): unknown {
  if (typeof value === 'string') return pidFrom(value, names)
  if (typeof value !== 'object' || value === null) return value
  const seen = new Set<object>([value])
  const waiting: object[] = [value]
  const replaced = (item: unknown) => {
    if (typeof item === 'string') return pidFrom(item, names)
    if (typeof item === 'object' && item !== null && !seen.has(item)) {
      seen.add(item)
      waiting.push(item)
    }
    return item
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) replaceIn(next, replaced)
  return value
}

function replaceIn(value: object, replaced: (item: unknown) => unknown): void {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return
  if (value instanceof Map) {
    const entries = [...value]
    value.clear()
    for (const [key, item] of entries) value.set(replaced(key), replaced(item))
  } else if (value instanceof Set) {
    const items = [...value]
    value.clear()
    for (const item of items) value.add(replaced(item))
  } else {
    for (const key of Object.keys(value)) {
      const item: unknown = Reflect.get(value, key)
      const next = replaced(item)
      if (next !== item) Reflect.set(value, key, next)
    }
  }
}
