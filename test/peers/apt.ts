/**
 * Runs `apt-get` while others may use it: one process at a time holds its locks, and it fails at once when another one
 * has them.
 */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Seconds to wait for another package manager. */
const patience = 600
/** Milliseconds between two attempts. */
const pause = 500

/**
 * Runs it. Waits while another process holds the locks.
 *
 * @throws its failure, or an error when the locks were not free within ten minutes.
 */
export async function apt(...args: readonly string[]): Promise<void> {
  const until = Date.now() + patience * 1000
  for (;;) {
    try {
      await attempt(args)
      return
    } catch (error) {
      if (!isLocked(error) || Date.now() > until) throw error
    }
    await sleep(pause)
  }
}

async function attempt(args: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1', LC_ALL: 'C' }
  await run('apt-get', ['-q', '-o', `DPkg::Lock::Timeout=${patience}`, ...args], { env })
}

/** The option above waits only for the locks of dpkg: those of the lists and the archives are refused at once. */
function isLocked(error: unknown): boolean {
  return (
    error instanceof Error &&
    'stderr' in error &&
    /Could not get lock|Unable to lock directory/.test(String(error.stderr))
  )
}
