/** What the server sends: one document a line. The page and the server are of the same version. */
import type { Observation, ObservedService } from 'troupe/app'

export type Process = Observation['processes']['rows'][number]
export type Connection = Observation['connections']['rows'][number]
export type DeadLetter = Observation['deadLetters']['last'][number]
export type { ObservedOverlay, ObservedService } from 'troupe/app'

/** What is observed, without the processes. */
export type Rest = Omit<Observation, 'processes'> & { readonly silent: readonly number[] }

export interface Numbered {
  readonly number: number
  readonly at: number
}
export type Change = ObservedService & Numbered
export type Line = { readonly text: string } & Numbered

export type Event =
  | {
      readonly type: 'hello'
      readonly role: 'operator' | 'reader'
      readonly pid: number
      /** The upper bounds of dial durations, in milliseconds. */
      readonly bounds: readonly number[]
    }
  | (Rest & {
      readonly type: 'state'
      readonly isWhole: boolean
      readonly rows: readonly Process[]
      readonly gone: readonly string[]
    })
  | {
      readonly type: 'services'
      readonly at: number
      readonly services: readonly ObservedService[]
      readonly changes: readonly Change[]
    }
  | { readonly type: 'log'; readonly lines: readonly Line[] }
  | { readonly type: 'alive'; readonly at: number; readonly silence: number }

/** Returns the event of a line. */
export function eventOf(line: string): Event
export function eventOf(line: string): unknown {
  const value: unknown = JSON.parse(line)
  return value
}
