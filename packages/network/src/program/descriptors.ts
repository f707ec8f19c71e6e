/**
 * The descriptors that a whole program inherits. Their numbers are fixed and far above those that programs use, so no
 * variable and no argument has to name them, and threads find them too.
 */

/** The plan: read only, an unlinked file. */
export const planDescriptor = 199
/** Leases of addresses that stand for names: an unlinked file to which each thread appends. */
export const leaseDescriptor = 198
/** What went where: an unlinked file to which each thread appends, if the caller wants a report. */
export const reportDescriptor = 197

/** How a native handle gets a descriptor for its child. */
export interface NativeDescriptor {
  readonly type: 'fd'
  readonly fd: number
}

/** Returns the native `stdio` of a child, with the program's own descriptors behind those that the caller gives. */
export function withDescriptors(stdio: readonly unknown[], report: boolean): readonly unknown[] {
  const all: unknown[] = [...stdio]
  while (all.length <= planDescriptor) all.push({ type: 'ignore' })
  for (const fd of ownDescriptors(report)) all[fd] = { type: 'fd', fd } satisfies NativeDescriptor
  return all
}

/** Returns the numbers of the descriptors that a program has. */
function ownDescriptors(report: boolean): readonly number[] {
  return [planDescriptor, leaseDescriptor, ...(report ? [reportDescriptor] : [])]
}
