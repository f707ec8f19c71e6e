/** Publishes the jobs of a test, and writes down what was acknowledged. A program that starts again continues. */
import { appendFileSync, readFileSync } from 'node:fs'
import { queues } from 'troupe'
import { random } from './random.ts'

const keys = 20
const lanes = 40
const failures = ['fail', 'wait'] as const

export interface Publishing {
  readonly log: string
  readonly jobs: number
  readonly seed: string
  /** Share of the jobs without a key that run in processes of the system. */
  readonly apart: number
}

/** Settles when all are acknowledged. */
export async function publishLanes(publishing: Publishing): Promise<void> {
  const published = publishedIn(publishing.log)
  const perLane = Math.ceil(publishing.jobs / lanes)
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let number = (published.get(`${lane}`) ?? 0) + 1; number <= perLane; number += 1)
        await publishOne(publishing, lane, number)
    }),
  )
}

/** The last number of each lane. */
function publishedIn(log: string): ReadonlyMap<string, number> {
  const published = new Map<string, number>()
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [what, id = ''] = line.split(' ')
    const [lane = '', number] = id.split('-')
    if (what === 'published') published.set(lane, Math.max(published.get(lane) ?? 0, Number(number)))
  }
  return published
}

async function publishOne({ log, seed, apart }: Publishing, lane: number, number: number): Promise<void> {
  const id = `${lane}-${number}`
  const chosen = random(`${seed} ${id}`)
  const key = lane < keys ? `key${lane}` : undefined
  const queue = key === undefined && chosen() < apart ? 'apart' : 'jobs'
  const chance = chosen()
  const does = chance < 0.0005 ? 'exit' : chance < 0.05 ? failures[Number(chosen() < 0.5)] : 'nothing'
  const publish = async (options: { readonly key?: string }) =>
    untilKept(async () => queues.publish(`app:${queue}`, { number, does }, { id, ...options }))
  const { isDuplicate } = await publish(key === undefined ? {} : { key })
  appendFileSync(log, `published ${id} ${queue} ${key ?? '-'} ${isDuplicate ? 'again' : 'first'}\n`)
  // What is published once more is not run once more.
  if (chosen() < 0.02 && !(await publish({})).isDuplicate) appendFileSync(log, `doubled ${id}\n`)
}

/** The servers of a cluster accept nothing while they elect a leader. */
async function untilKept<T>(publish: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await publish()
    } catch (error) {
      if (!(error instanceof Error) || !('retryable' in error) || error.retryable !== true) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Settles when no job waits or runs. */
export async function allDone(...of: readonly string[]): Promise<void> {
  for (const queue of of)
    for (let left = 1; left > 0; ) {
      const { waiting, delayed, running } = await untilKept(async () => queues.counts(queue))
      left = waiting + delayed + running
      // Nothing reports that a queue is empty.
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, 50))
    }
}

/** Writes down each job of which a line of the application's log states that it is done. */
export function noteDone(log: string): (line: string) => void {
  return (line) => {
    const [, id, queue] = / job "(\S+)" of app:(\S+) is done/.exec(line) ?? []
    if (id !== undefined) appendFileSync(log, `done ${id} ${queue}\n`)
  }
}
