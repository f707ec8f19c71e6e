import { describe, expect, it } from 'vitest'
import { startApplication } from '../supervisor/testing/application.ts'
import { emptyFrame, pid } from '@troupe/core'
import { processes } from '../api/processes.ts'
import { Groups } from './groups.ts'
import { ProcessTable } from './process-table.ts'

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
  it('keep members until they leave or end', async () => {
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

  it('receive broadcasts, each member once', async () => {
    await using _ = await startApplication({})
    const ear = await spawn('ear')
    const members = [await spawn('member', ear, 'g', 'g'), await spawn('member', ear, 'g')]
    await membersOf('g', 2)
    expect(await groups.broadcast('g', 'news', { n: 1 })).toEqual({ delivered: 2, refused: 0 })
    expect(await groups.broadcast('empty', 'news')).toEqual({ delivered: 0, refused: 0 })
    for (const member of members) {
      await processes.send(member, 'end')
      expect(await processes.exited(member)).toMatchObject({})
    }
    const heard = await processes.call(ear, 'all')
    expect(heard).toHaveLength(2)
    expect(heard).toEqual(expect.arrayContaining(members.map((member) => [member, 'news', { n: 1 }])))
  })

  it('refuse invalid pids, names and messages', async () => {
    await using _ = await startApplication({})
    await expect(groups.join('g', '<77.1>' as never)).rejects.toMatchObject({ kind: 'NotFound' })
    await expect(groups.join('')).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(groups.broadcast('g', '@x')).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(groups.broadcast('g', 'x', () => 1)).rejects.toMatchObject({ kind: 'Invalid' })
  })
})

describe('what one process makes the kernel keep', () => {
  const one = pid(1, 1)
  const two = pid(2, 1)
  const filled = (add: (name: string) => void) => {
    for (let n = 0; n < 4096; n += 1) add(`n${n}`)
  }

  it('is limited: its groups', () => {
    const all = new Groups()
    filled((name) => {
      all.join(name, one)
    })
    all.join('n0', one)
    expect(() => {
      all.join('more', one)
    }).toThrow(`${one} has 4096 groups`)
    all.join('more', two)
    expect(all.members('more')).toEqual([two])
    all.leave('n0', one)
    all.join('more', one)
    expect(all.members('more')).toEqual([two, one])
  })

  it('is limited: its names', () => {
    const table = new ProcessTable()
    for (const id of [one, two])
      table.add({ pid: id, entry: undefined, frame: emptyFrame, host: undefined, onExit: undefined })
    filled((name) => {
      table.register(name, one)
    })
    table.register('n0', one)
    expect(() => {
      table.register('more', one)
    }).toThrow(`${one} has 4096 names`)
    table.register('more', two)
    table.unregister('n0')
    table.register('other', one)
    expect(table.lookup('other')).toBe(one)
  })

  it('is limited: the length of a name, to what policies decide about', async () => {
    await using _ = await startApplication({})
    const ear = await spawn('ear')
    await expect(groups.join('g'.repeat(5000), ear)).rejects.toMatchObject({ kind: 'Invalid' })
    await expect(processes.names.register('n'.repeat(5000), ear)).rejects.toMatchObject({ kind: 'Invalid' })
    await groups.join('g'.repeat(4096), ear)
  })
})
