/** A process that collects messages, for tests that wait for progress. Needs the program `talk.collect`. */
import type { Pid } from '@troupe/core'
import { processes } from '../api/processes.ts'
import { hostId, idOf } from './start-kernel.ts'

export interface Collector {
  readonly pid: Pid
  /** Settles with that many messages: topic and payload. */
  readonly all: Promise<readonly (readonly unknown[])[]>
}

export async function collectorOf(count: number): Promise<Collector> {
  const pid = await processes.spawn(idOf('talk.collect'), hostId, count)
  const all = processes.exited(pid).then((exit) => {
    if ('error' in exit) throw exit.error
    return Array.isArray(exit.value)
      ? exit.value.map((pair: unknown): unknown[] => (Array.isArray(pair) ? pair : []))
      : []
  })
  return { pid, all }
}
