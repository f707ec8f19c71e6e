/** What `registry.ts` runs. */
import { dial, networkAccess } from '@troupe/network'
import { entryId } from '@troupe/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { processes, self } from 'troupe'
import { median, now } from './measure.ts'

const overlay = entryId('app:proxy')

/** Answers when it first sees another route than the one that it saw when it was asked. */
export async function looker(): Promise<void> {
  for await (const message of self.inbox) {
    const { generation } = await networkAccess().route(overlay)
    await processes.send('ear', 'looking', null)
    while ((await networkAccess().route(overlay)).generation === generation) await sleep(1)
    message.reply(now())
  }
}

/** Microseconds of looking up a route that is known, and of a whole dial. */
export async function dialler(): Promise<void> {
  for await (const message of self.inbox) {
    const access = networkAccess()
    const looks: number[] = []
    const dials: number[] = []
    for (let round = 0; round < 30; round += 1) {
      let start = now()
      for (let index = 0; index < 1_000; index += 1) await access.route(overlay)
      looks.push(now() - start)
      start = now()
      const socket = await dial(await access.route(overlay), { host: 'target.test', port: 80 })
      dials.push((now() - start) * 1_000)
      socket.destroy()
    }
    message.reply([median(looks), median(dials)])
  }
}
