/** Deques that are made when they are needed. */
import type { Deque } from '@troupe/core'

export function sizeOf(deque: Deque<object> | undefined): number {
  return deque === undefined ? 0 : deque.size
}

export function drain<T extends object>(deque: Deque<T> | undefined): T[] {
  return deque === undefined ? [] : deque.drain()
}
