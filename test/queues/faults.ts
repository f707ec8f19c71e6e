/** Runs jobs in a program that is killed and stopped at random moments, which a seed decides, until all are done. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { random } from './random.ts'

export type Fault = 'kill' | 'stop' | 'killWorkers'

export interface FaultOptions {
  /** Empty, for the file of jobs and the log. */
  readonly folder: string
  readonly seed: string
  readonly jobs: number
  /** Average number of lines of the log between faults. */
  readonly linesBetween: number
  /** These faults, in this order, and no more. @default at random, until all is done */
  readonly plan?: readonly Fault[]
  /** Share of the jobs without a key that run in processes of the system. */
  readonly apart?: number
}

/** How often each fault took place. */
export interface Faults {
  killed: number
  stopped: number
  workersKilled: number
}

/** The lease of the consumers is 3 s. */
const beyondLease = 3_500
const bytesOfLine = 22
const program = join(import.meta.dirname, 'fault-program.ts')
/** Processes that are sealed need Node 26. */
export const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
/** Where they cannot be, all functions run in threads. */
export const withIsolation = { ...process.env, FAR_ISOLATION: canSeal ? 'process' : 'thread' }

export const filesOf = (folder: string) => ({ jobs: join(folder, 'queues.db'), log: join(folder, 'log') })

/** @throws Error when the program ends with an error. */
export async function runWithFaults(options: FaultOptions): Promise<Faults> {
  const { folder, seed, jobs, linesBetween, plan, apart = 0.01 } = options
  const files = filesOf(folder)
  writeFileSync(files.log, '')
  const chosen = random(seed)
  const faults: Faults = { killed: 0, stopped: 0, workersKilled: 0 }
  const planned = plan?.values()
  const next = () => (planned === undefined ? randomFault(chosen()) : planned.next().value)
  for (;;) {
    const child = spawn(process.execPath, [program, files.jobs, files.log, `${jobs}`, seed, `${apart}`], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...withIsolation, FAULTS_LOG: files.log },
    })
    const ended = once(child, 'exit')
    for (let isKilled = false; !isKilled; ) {
      const lines = linesBetween * (0.5 + chosen())
      if (!(await hasGrown(child, files.log, lines * bytesOfLine))) break
      const fault = next()
      if (fault === undefined) break
      isKilled = await cause(fault, child, faults)
    }
    await ended
    const { exitCode, signalCode } = child
    if (exitCode === 0) return faults
    if (signalCode !== 'SIGKILL') throw new Error(`the program ended with ${exitCode ?? signalCode}`)
  }
}

/** Settles when the log has so many more bytes; false when the program has ended before. */
async function hasGrown(child: ChildProcess, log: string, bytes: number): Promise<boolean> {
  const enough = statSync(log).size + bytes
  while (statSync(log).size < enough) {
    if (hasEnded(child)) return false
    await wait(10)
  }
  return !hasEnded(child)
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function randomFault(chance: number): Fault {
  if (chance < 0.4) return 'kill'
  return chance < 0.7 ? 'stop' : 'killWorkers'
}

/** Returns whether the program was killed. */
async function cause(fault: Fault, child: ChildProcess, faults: Faults): Promise<boolean> {
  if (fault === 'kill') {
    faults.killed += 1
    child.kill('SIGKILL')
    return true
  }
  if (fault === 'stop') {
    faults.stopped += 1
    child.kill('SIGSTOP')
    await wait(beyondLease)
    child.kill('SIGCONT')
    return false
  }
  let workers = childrenOf(child.pid ?? 0)
  while (workers.length === 0 && !hasEnded(child)) {
    await wait(10)
    workers = childrenOf(child.pid ?? 0)
  }
  for (const worker of workers) {
    try {
      process.kill(worker, 'SIGKILL')
      faults.workersKilled += 1
    } catch {
      // It has ended meanwhile.
    }
  }
  return false
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}
