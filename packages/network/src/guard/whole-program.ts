/**
 * Whether this thread belongs to a program that runs in an overlay as a whole (`program/`). Its threads and its Node
 * children get the same guard, so they may be started.
 */
let whole = false

/** Call it before {@link installGuard}. */
export function markWholeProgram(): void {
  whole = true
}

/** Whether threads and children of this thread are guarded too. */
export function isWholeProgram(): boolean {
  return whole
}
