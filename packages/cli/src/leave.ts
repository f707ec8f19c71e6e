/** Ends the program, whatever its threads do. */

/**
 * Ends the program with a status. `process.exit` waits for each thread, and a thread that is blocked in a system call
 * does not return. A program that replaces this one (`execve`) waits for none
 * (`docs/discoveries/0058-exit-waits-for-threads.md`).
 */
export function leaveAtOnce(status: number): void {
  try {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${status}`], {})
  } catch {
    // This system does not support it.
  }
  process.kill(process.pid, 'SIGKILL')
}
