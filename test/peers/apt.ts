/** `apt-get`, beside others that use it: one at a time holds its locks, and it gives up at once where another has them. */
import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Seconds that another package manager is waited for. */
const patience = 600
/** Milliseconds between two attempts. */
const pause = 500

/** Runs it. Waits for whoever has the locks. @throws what it failed with, or that they were not free in ten minutes. */
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

/** The option above waits for the locks of dpkg alone: those of the lists and the archives are refused at once. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && 'stderr' in error && /Could not get lock|Unable to lock directory/.test(String(error.stderr))
}
