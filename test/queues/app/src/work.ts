/** The work of jobs: it is written to a file when it begins. Some fail, and some end the thread in which they run. */
import { appendFileSync } from 'node:fs'
import type { Job } from 'troupe'

const file = process.env['FAULTS_LOG'] ?? ''

/** What a job does in its first attempt. */
export interface Work {
  readonly number: number
  readonly does: 'nothing' | 'wait' | 'fail' | 'exit'
}

export async function work({ number, does }: Work, { id, key, attempt }: Job): Promise<{ readonly attempt: number }> {
  appendFileSync(file, `began ${id} ${attempt} ${key ?? '-'} ${number}\n`)
  if (does === 'wait') await new Promise((resolve) => setTimeout(resolve, 5))
  if (does === 'fail' && attempt === 1) throw new Error('it fails once')
  if (does === 'exit' && attempt === 1) process.exit(1)
  return { attempt }
}

/** Runs in a process of the system, which cannot write to the file. */
export function far(_work: Work, { attempt }: Job): { readonly attempt: number } {
  return { attempt }
}
