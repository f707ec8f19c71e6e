/**
 * Closes the ways out that a thread without network permission still has through resources of its process. Node's
 * permission model does not check descriptors, signals, V8 flags or databases
 * (`docs/discoveries/0050-what-the-permission-model-leaves-open.md`).
 *
 * The sealed code runs in this same thread. So this module calls no function that such code could have replaced: the
 * few functions it needs are saved before.
 */
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import tty from 'node:tty'
import v8 from 'node:v8'
import { TroupeError } from '@troupe/core'
import { installGuard } from '../guard/install.ts'
import { internals } from '../sockets/internals.ts'
import { sealDescriptors } from './descriptors.ts'
import { forbidConstruction, forbidMethods } from './forbid.ts'
import { seal, sealedRefusal } from './sealed.ts'

// Saved, because code could replace it. An import of `node:process` would take 5 ms, for all that it exports.
const { process } = globalThis

/** The permissions that a sealed thread must not have, in the terms of `process.permission`. */
const forbidden = ['net', 'child', 'worker', 'addon', 'wasi', 'ffi', 'inspector', 'fs.write']

/**
 * @param allowed - Permissions of `forbidden` that are accepted nevertheless.
 * @throws TroupeError `Internal` in a thread that has one of the permissions that a sealed one must not have.
 */
function checkPermissions(allowed: readonly string[] = []): void {
  const { permission } = process
  const unwanted = forbidden.filter((scope) => !allowed.includes(scope))
  const given = permission === undefined ? ['all'] : unwanted.filter((scope) => has(permission, scope))
  if (given.length === 0) return
  throw new TroupeError(
    'Internal',
    `this thread was to be sealed, and was started with permissions: ${given.join(', ')}`,
    {
      details: { given },
      retryable: false,
    },
  )
}

function has(permission: NodeJS.ProcessPermission, scope: string): boolean {
  return permission.has(scope)
}

/**
 * Installs the guard, and seals this thread permanently. Called once, before any user code.
 *
 * @throws TroupeError `Internal` in a thread that was started with permissions, and in a version of Node that lacks the
 *   internals needed.
 */
export async function sealThread(): Promise<void> {
  checkPermissions()
  installGuard()
  seal()
  await sealDescriptors()
  for (const prototype of Object.values(internals().handles)) forbidMethods(prototype, ['open'], 'a foreign descriptor')
  // A terminal stream wraps a descriptor.
  for (const name of ['ReadStream', 'WriteStream']) forbidConstruction(tty, name, 'tty')
  // A signal starts the inspector of the program itself.
  forbidMethods(process, ['kill', '_kill'], 'process')
  // Of any process of the user, and of the program.
  forbidMethods(os, ['setPriority'], 'os')
  const { title } = process
  Object.defineProperty(process, 'title', {
    get: () => title,
    set: () => {
      throw sealedRefusal('process.title')
    },
    enumerable: true,
    configurable: false,
  })
  forbidMethods(v8, ['setFlagsFromString', 'setHeapSnapshotNearHeapLimit'], 'v8')
  forbidDatabases()
  syncBuiltinESMExports()
}

/**
 * Seals an operating-system process, which has its own descriptors, signals and flags: installs the guard, and only the
 * kernel opens connections for it. The operating system contains hostile code.
 *
 * @param writes - Whether the process may write files.
 * @throws TroupeError as {@link sealThread} does
 */
export function sealProcess(writes: boolean): void {
  checkPermissions(writes ? ['fs.write'] : [])
  installGuard()
  seal()
  forbidDatabases()
  syncBuiltinESMExports()
}

/** Databases write files without permission. */
function forbidDatabases(): void {
  const sqlite: unknown = process.getBuiltinModule('node:sqlite')
  if (typeof sqlite === 'object' && sqlite !== null) {
    forbidConstruction(sqlite, 'DatabaseSync', 'sqlite')
    forbidMethods(sqlite, ['backup'], 'sqlite')
  }
}
