/**
 * Unrefs everything for which JavaScript keeps the event loop of this thread running
 * (`docs/discoveries/0066-work-of-addons.md`).
 */
import { unrefTimers } from '@troupe/core'

/** Unrefs timers, sockets, servers, ports and child processes. Native work is none of these. */
export function unrefAll(): void {
  for (const handle of activeHandles()) unref(handle)
  unrefTimers()
}

function activeHandles(): readonly unknown[] {
  const list: unknown = Reflect.get(process, '_getActiveHandles')
  const handles: unknown = typeof list === 'function' ? Reflect.apply(list, process, []) : []
  return Array.isArray(handles) ? handles : []
}

function unref(handle: unknown): void {
  if (typeof handle !== 'object' || handle === null) return
  try {
    const own: unknown = Reflect.get(handle, 'unref')
    if (typeof own === 'function') Reflect.apply(own, handle, [])
  } catch {
    // An object of the application, which may throw.
  }
}
