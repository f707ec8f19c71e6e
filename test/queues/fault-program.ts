/**
 * Publishes jobs and runs them, and writes down what was acknowledged, until all are done. It is killed and stopped
 * meanwhile, and continues where it was.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { queues } from 'troupe'
import { boot } from 'troupe/app'
import { random } from './random.ts'

const [file = '', log = '', jobs = '', seed = '', apart = ''] = process.argv.slice(2)
const keys = 20
const lanes = 40
const perLane = Math.ceil(Number(jobs) / lanes)
const failures = ['fail', 'wait'] as const

await using app = await boot({
  root: join(import.meta.dirname, 'app'),
  set: [`queue.path=${file}`, 'log.level=debug'],
  onLog: (line) => {
    const [, id, queue] = / job "(\S+)" of app:(\S+) is done/.exec(line) ?? []
    if (id !== undefined) appendFileSync(log, `done ${id} ${queue}\n`)
  },
})

/** What was acknowledged before, by lane. */
const published = new Map<string, number>()
for (const line of readFileSync(log, 'utf8').split('\n')) {
  const [what, id = ''] = line.split(' ')
  const [lane = '', number] = id.split('-')
  if (what === 'published') published.set(lane, Math.max(published.get(lane) ?? 0, Number(number)))
}

async function publishAll(lane: number): Promise<void> {
  for (let number = (published.get(`${lane}`) ?? 0) + 1; number <= perLane; number += 1) {
    const id = `${lane}-${number}`
    const chosen = random(`${seed} ${id}`)
    const key = lane < keys ? `key${lane}` : undefined
    const queue = key === undefined && chosen() < Number(apart) ? 'apart' : 'jobs'
    const chance = chosen()
    const does = chance < 0.0005 ? 'exit' : chance < 0.05 ? failures[Number(chosen() < 0.5)] : 'nothing'
    const { isDuplicate } = await queues.publish(
      `app:${queue}`,
      { number, does },
      { id, ...(key !== undefined && { key }) },
    )
    appendFileSync(log, `published ${id} ${queue} ${key ?? '-'} ${isDuplicate ? 'again' : 'first'}\n`)
    // What is published once more is not run once more.
    if (chosen() < 0.02 && !(await queues.publish(`app:${queue}`, { number, does }, { id })).isDuplicate)
      appendFileSync(log, `doubled ${id}\n`)
  }
}

appendFileSync(log, 'started\n')
await app.run(async () => {
  await Promise.all(Array.from({ length: lanes }, async (_, lane) => publishAll(lane)))
  for (const queue of ['app:jobs', 'app:apart'])
    for (let left = 1; left > 0; ) {
      const { waiting, delayed, running } = await queues.counts(queue)
      left = waiting + delayed + running
      // Nothing reports that a queue is empty.
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, 50))
    }
})
appendFileSync(log, 'ended\n')
