/**
 * Publishes jobs and runs them, and writes down what was acknowledged, until all are done. It is killed and stopped
 * meanwhile, and continues where it was.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { boot } from 'troupe/app'
import { allDone, noteDone, publishLanes } from './publish-lanes.ts'

const [file = '', log = '', jobs = '', seed = '', apart = ''] = process.argv.slice(2)

await using app = await boot({
  root: join(import.meta.dirname, 'app'),
  set: [`queue.path=${file}`, 'log.level=debug'],
  onLog: noteDone(log),
})

appendFileSync(log, 'started\n')
await app.run(async () => {
  await publishLanes({ log, seed, jobs: Number(jobs), apart: Number(apart) })
  await allDone('app:jobs', 'app:apart')
})
appendFileSync(log, 'ended\n')
