/** Why a job is not kept. */
import { unavailable } from '@troupe/core'

/** The file cannot be written. */
export function unwritten(file: string, reason: string): Error {
  return unavailable(`${file} cannot be written: ${reason}: nothing of this change was kept`, { file })
}

export function fullQueue(queue: string, limit: number): Error {
  const message = `${queue} is full: ${limit} of its jobs are not done, and max_jobs allows no more`
  return unavailable(message, { queue, limit })
}
