import { describe, expect, it } from 'vitest'
import { startApplication } from '../supervisor/testing/application.ts'
import { processes } from '../api/processes.ts'

const { groups } = processes

const spawn = async (entry: string, ...args: unknown[]) => processes.spawn(`app:${entry}`, 'app:host', ...args)

/** Settles when that many are members. */
async function membersOf(group: string, count: number): Promise<readonly string[]> {
  for (;;) {
    const members = await groups.members(group)
    if (members.length === count) return members
    await new Promise(setImmediate)
  }
}

describe('process groups', () => {
  it('hold who joined until it leaves or ends', async () => {
    await using _ = await startApplication({})
    expect(await groups.members('g')).toEqual([])
    const ear = await spawn('ear')
    const one = await spawn('member', ear, 'g')
    await membersOf('g', 1)
    const two = await spawn('member', ear, 'g', 'h')
    expect(await membersOf('g', 2)).toEqual([one, two])
    await processes.call(one, 'leave', 'g')
    expect(await groups.members('g')).toEqual([two])
    await membersOf('h', 1)
    await groups.join('h', one)
    await groups.join('h', one)
    expect(await groups.members('h')).toEqual([two, one])
    await processes.terminate(two)
    expect(await groups.members('g')).toEqual([])
    expect(await groups.members('h')).toEqual([one])
    await groups.leave('h', one)
    expect(await groups.members('h')).toEqual([])
  })

  it('get what is broadcast, each member once', async () => {
    await using _ = await startApplication({})
    const ear = await spawn('ear')
    const members = [await spawn('member', ear, 'g', 'g'), await spawn('member', ear, 'g')]
    await membersOf('g', 2)
    expect(await groups.broadcast('g', 'news', { n: 1 })).toEqual({ delivered: 2, refused: 0 })
    expect(await groups.broadcast('nobody', 'news')).toEqual({ delivered: 0, refused: 0 })
    for (const member of members) {
      await processes.send(member, 'end')
      expect(await processes.exited(member)).toMatchObject({})
    }
    const heard = await processes.call(ear, 'all')
    expect(heard).toHaveLength(2)
    expect(heard).toEqual(expect.arrayContaining(members.map((member) => [member, 'news', { n: 1 }])))
  })

  it('refuse what is no process, no name, and no message', async () => {
    await using _ = await startApplication({})
    await expect(groups.join('g', '<77.1>' as never)).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(groups.join('')).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(groups.broadcast('g', '@x')).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(groups.broadcast('g', 'x', () => 1)).rejects.toMatchObject({ kind: 'Invalid' })
  })
})
