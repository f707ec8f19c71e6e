/** The processes of `registry.ts`. */
import { dial, networkAccess } from '@troupe/network'
import { entryId } from '@troupe/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { processes, self } from 'troupe'
import { now, rounds } from './measure.ts'

const overlay = entryId('app:proxy')

/** Returns when it first sees another route than at the time of the call. */
export async function looker(): Promise<void> {
  for await (const message of self.inbox) {
    const { generation } = await networkAccess().route(overlay)
    await processes.send('ear', 'looking', null)
    while ((await networkAccess().route(overlay)).generation === generation) await sleep(1)
    message.reply(now())
  }
}

/** Returns microseconds: of looking up a known route, or of a whole dial. */
export async function dialler(): Promise<void> {
  for await (const message of self.inbox) message.reply(await (message.topic === 'look' ? lookUp() : open()))
}

async function lookUp(): Promise<number> {
  const access = networkAccess()
  return rounds(30, async () => {
    const start = now()
    for (let index = 0; index < 1_000; index += 1) await access.route(overlay)
    return now() - start
  })
}

async function open(): Promise<number> {
  return rounds(30, async () => {
    const start = now()
    const socket = await dial(await networkAccess().route(overlay), { host: 'target.test', port: 80 })
    socket.destroy()
    return (now() - start) * 1_000
  })
}
