/** Publishes and finishes jobs as fast as it can, and prints what was acknowledged, until it is killed. */
import { writeSync } from 'node:fs'
import { SqliteDriver } from '../driver/sqlite-driver.ts'
import { jobOf } from './job-of.ts'

const [file = ''] = process.argv.slice(2)
const driver = await SqliteDriver.open({ file })
const queue = 'app:mail'
const hour = 3_600_000

const say = (words: string) => {
  writeSync(1, `${words}\n`)
}

async function publishAll(lane: number): Promise<never> {
  for (let number = 0; ; number += 1) {
    const id = `${lane}-${number}`
    await driver.publish(jobOf(id), Number.POSITIVE_INFINITY)
    say(`published ${id}`)
  }
}

async function finishAll(): Promise<never> {
  for (;;) {
    const jobs = await driver.reserve(queue, { limit: 5, ackWait: hour, maxAttempts: 5 })
    for (const job of jobs) if (await driver.acknowledge(job, Uint8Array.of(1), hour)) say(`done ${job.id}`)
  }
}

await Promise.all([...Array.from({ length: 20 }, async (_, lane) => publishAll(lane)), finishAll()])
