/** A program of its own, and the most memory that it had, as the system counts it. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** Milliseconds between two looks. */
const pace = 20

export interface Measured {
  readonly stdout: string
  /** MiB of resident memory that it had at most, in addition to what it had when it began to print or to be busy. */
  readonly peak: number
}

/** Resident memory in MiB; `undefined` when the program has ended. */
function resident(pid: number): number | undefined {
  try {
    const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return line === null ? undefined : Number(line[1]) / 1024
  } catch {
    return undefined
  }
}

export async function measured(program: string, ...args: readonly string[]): Promise<Measured> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let peak = 0
  const timer = setInterval(() => {
    if (child.pid !== undefined) peak = Math.max(peak, resident(child.pid) ?? 0)
  }, pace)
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ended with ${code}`))
    })
  })
  try {
    const [stdout] = await Promise.all([text(child.stdout), ended])
    return { stdout, peak }
  } finally {
    clearInterval(timer)
  }
}
