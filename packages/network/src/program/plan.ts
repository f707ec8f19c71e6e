/** What each thread of a whole program needs to know: the route of its overlay, and what may leave it. */
import { type EntryId, isEntryId, TroupeError } from '@troupe/core'
import { closeSync, existsSync, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Route } from '../overlay/route.ts'
import { property } from '../sockets/internals.ts'
import { planDescriptor } from './descriptors.ts'

/** It holds credentials: it is only ever in an unlinked file of its owner. */
export interface ProgramPlan {
  readonly overlay: EntryId
  readonly route: Route
  /** Whether each process uses the overlay on its own behalf. */
  readonly isolate: boolean
  /** Targets that stay in the clear: see `AllowedTargets`. */
  readonly allow: readonly string[]
  /** Packages of addons, and programs, that open no sockets. */
  readonly native: readonly string[]
  readonly report: boolean
}

const version = 1
const ownerReads = 0o400
const ownerWrites = 0o600

/** Returns the descriptor of an unlinked file that holds the plan. */
export function writePlan(plan: ProgramPlan): number {
  const [path, written] = openUnlisted('wx', ownerReads)
  try {
    writeSync(written, JSON.stringify({ troupe: version, ...plan }))
    return openSync(path, 'r')
  } finally {
    unlinkSync(path)
    closeSync(written)
  }
}

/** Returns the descriptor of an empty unlinked file to which processes append. */
export function openAppended(): number {
  const [path, file] = openUnlisted('ax+', ownerWrites)
  unlinkSync(path)
  return file
}

/** In memory, where the system has such a folder. */
function openUnlisted(flags: 'wx' | 'ax+', mode: number): readonly [string, number] {
  const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const path = join(folder, `troupe-${randomBytes(16).toString('hex')}`)
  return [path, openSync(path, flags, mode)]
}

/** Reads the plan of this program. @throws TroupeError `Unavailable` when there is none. */
export function readPlan(): ProgramPlan {
  let text: string
  try {
    const { size } = fstatSync(planDescriptor)
    const bytes = Buffer.alloc(size)
    text = bytes.toString('utf8', 0, readSync(planDescriptor, bytes, 0, size, 0))
  } catch (cause) {
    throw noPlan(cause)
  }
  return parsePlan(text)
}

/** Whether this program runs in an overlay as a whole. */
export function hasPlan(): boolean {
  try {
    readPlan()
    return true
  } catch {
    return false
  }
}

function parsePlan(text: string): ProgramPlan {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw noPlan()
  }
  const overlay = property(value, 'overlay')
  const route = property(value, 'route')
  const [allow, native] = [listIn(value, 'allow'), listIn(value, 'native')]
  if (property(value, 'troupe') !== version || typeof overlay !== 'string' || !isEntryId(overlay)) throw noPlan()
  if (!isRoute(route) || allow === undefined || native === undefined) throw noPlan()
  return {
    overlay,
    route,
    isolate: property(value, 'isolate') === true,
    allow,
    native,
    report: property(value, 'report') === true,
  }
}

function isRoute(value: unknown): value is Route {
  const [overlay, config] = [property(value, 'overlay'), property(value, 'config')]
  return (
    typeof overlay === 'string' &&
    typeof property(value, 'generation') === 'number' &&
    typeof property(value, 'driver') === 'string' &&
    typeof config === 'object' &&
    config !== null
  )
}

function listIn(value: unknown, name: string): readonly string[] | undefined {
  const list: unknown = property(value, name)
  return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined
}

/** The text of the plan is never part of an error, because it holds credentials. */
function noPlan(cause?: unknown): TroupeError {
  return new TroupeError(
    'Unavailable',
    'this program was started to run in an overlay, but the descriptor with the route of its overlay is closed or ' +
      'holds none, so it does not start. Start it with "troupe exec", and leave the descriptors that it inherits open',
    { ...(cause !== undefined && { cause }), retryable: false },
  )
}
