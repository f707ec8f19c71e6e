/** A request, as seen from its two ends. Addresses are `host:port`. */
export interface Sighting {
  /** The requester: a process, or the call of a function. */
  readonly pid: string
  /** The requester's socket: its own address, and the address it is connected to. */
  readonly from: string
  readonly to: string
  /** The peer that the echo saw. */
  readonly seen: string
}

/** Reads a value from another thread as a sighting. */
export function sighting(value: unknown): Sighting {
  return { pid: text(value, 'pid'), from: text(value, 'from'), to: text(value, 'to'), seen: text(value, 'seen') }
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

export function text(value: unknown, name: string): string {
  const found = field(value, name)
  return typeof found === 'string' || typeof found === 'number' ? String(found) : ''
}
