/** The end of the program, whatever its threads do. */

/**
 * Ends the program with a status. `process.exit` waits for each thread, and one that is in a call of the operating system does not come back;
 * a program that takes the place of this one waits for none (`docs/discoveries/0058-exit-waits-for-threads.md`).
 */
export function leaveAtOnce(status: number): void {
  try {
    process.execve?.('/bin/sh', ['sh', '-c', `exit ${status}`], {})
  } catch {
    // This system cannot do that.
  }
  process.kill(process.pid, 'SIGKILL')
}
