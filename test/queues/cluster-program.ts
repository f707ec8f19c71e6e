/** A node that runs jobs, and publishes them where `jobs` is not 0, until its standard input closes. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { boot } from 'troupe/app'
import { z } from 'zod'
import { allDone, noteDone, publishLanes } from './publish-lanes.ts'

const shape = z.object({
  cluster: z.record(z.string(), z.unknown()),
  ...{ folder: z.string(), log: z.string(), jobs: z.number(), seed: z.string() },
})
const { cluster, folder, log, jobs, seed } = shape.parse(JSON.parse(process.argv[2] ?? ''))
const note = noteDone(log)
const words = join(folder, 'words')

await using app = await boot({
  root: join(import.meta.dirname, 'app'),
  sections: { cluster },
  set: [`network_service.state_dir=${folder}`, 'log.level=debug'],
  onLog: (line) => {
    note(line)
    appendFileSync(words, `${line}\n`)
  },
})

appendFileSync(log, 'started\n')
if (jobs > 0) {
  await app.run(async () => {
    await publishLanes({ log, seed, jobs, apart: 0 })
    await allDone('app:jobs')
  })
  appendFileSync(log, 'ended\n')
}
process.stdin.resume()
await new Promise((resolve) => process.stdin.on('end', resolve))
