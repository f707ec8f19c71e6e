/**
 * Closes what a thread without network permission still could do, by what is open in the process around it: Node's permission model does
 * not look at descriptors, signals, flags of V8, or databases (`docs/discoveries/0050-what-the-permission-model-leaves-open.md`).
 *
 * The code that is kept out runs in this very thread. So what stands here calls no function that such code could have replaced: the few
 * that it needs are taken before.
 */
import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'
import tty from 'node:tty'
import v8 from 'node:v8'
import { TroupeError } from '@troupe/core'
import { installGuard } from '../guard/install.ts'
import { internals } from '../sockets/internals.ts'
import { sealDescriptors } from './descriptors.ts'
import { forbidConstruction, forbidMethods } from './forbid.ts'
import { seal } from './sealed.ts'

/** What a sealed thread must not have been given, in the words of `process.permission`. */
const forbidden = ['net', 'child', 'worker', 'addon', 'wasi', 'ffi', 'inspector', 'fs.write']

/**
 * @param allowed - Of those.
 * @throws TroupeError `Internal` in a thread that has one of the permissions that a sealed one must not have.
 */
function checkPermissions(allowed: readonly string[] = []): void {
  const { permission } = process
  const unwanted = forbidden.filter((scope) => !allowed.includes(scope))
  const given = permission === undefined ? ['all'] : unwanted.filter((scope) => has(permission, scope))
  if (given.length === 0) return
  throw new TroupeError('Internal', `this thread was to be sealed, and was started with permissions: ${given.join(', ')}`, {
    details: { given },
    retryable: false,
  })
}

function has(permission: NodeJS.ProcessPermission, scope: string): boolean {
  return permission.has(scope)
}

/** Installs the guard, and seals this thread for good. Called once, before any user code.
 *
 * @throws TroupeError `Internal` in a thread that was started with permissions, and in a version of Node that lacks what this stands on.
 */
export async function sealThread(): Promise<void> {
  checkPermissions()
  installGuard()
  seal()
  await sealDescriptors()
  for (const prototype of Object.values(internals().handles)) forbidMethods(prototype, ['open'], 'a foreign descriptor')
  // A terminal is what its descriptor is.
  for (const name of ['ReadStream', 'WriteStream']) forbidConstruction(tty, name, 'tty')
  // The program's own inspector listens on a signal.
  forbidMethods(process, ['kill', '_kill'], 'process')
  forbidMethods(v8, ['setFlagsFromString', 'setHeapSnapshotNearHeapLimit'], 'v8')
  forbidDatabases()
  syncBuiltinESMExports()
}

/**
 * Seals an operating-system process of its own, whose descriptors, signals and flags are its own too: installs the guard, and nothing is opened
 * here but by the kernel. What holds hostile code is the operating system.
 *
 * @param writes - It was given files to write.
 * @throws TroupeError as {@link sealThread} does
 */
export function sealProcess(writes: boolean): void {
  checkPermissions(writes ? ['fs.write'] : [])
  installGuard()
  seal()
  forbidDatabases()
  syncBuiltinESMExports()
}

/** They write files without permission. */
function forbidDatabases(): void {
  const sqlite: unknown = process.getBuiltinModule('node:sqlite')
  if (typeof sqlite === 'object' && sqlite !== null) {
    forbidConstruction(sqlite, 'DatabaseSync', 'sqlite')
    forbidMethods(sqlite, ['backup'], 'sqlite')
  }
}
