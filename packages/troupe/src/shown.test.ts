/** What code learns of things that policies show to it. */
import { expect, it } from 'vitest'
import { processes } from './index.ts'
import { startApp } from './test/index.ts'
import { entries, question, root, said } from './testing/hidden-app.ts'

it('a child has a name and a host that its caller may use', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  await probe.run(async () => {
    const child = { id: 'x', process: 'app:honest', restart: 'temporary' }
    const there = [['startChild', { supervisor: 'app:supervisor', child: { ...child, host: 'app:other' } }]] as const
    const home = [['startChild', { supervisor: 'app:supervisor', child: { ...child, id: 'y' } }]] as const
    const lacks = (action: string) => [expect.stringMatching(`^PermissionDenied: ${action} `) as unknown]
    expect(await said(['app:adds', 'app:names'], ...there)).toEqual(lacks('process.host of app:other'))
    expect(await said(['app:hosts', 'app:names'], ...there)).toEqual(lacks('process.spawn of app:honest'))
    expect(await said(['app:adds', 'app:hosts'], ...there)).toEqual(
      lacks('process.registry.register of app:supervisor/x'),
    )
    expect((await said(['app:adds', 'app:hosts', 'app:names'], ...there))[0]).toMatch(/^answered .*id: 'x'/)
    expect((await said(['app:adds', 'app:names'], ...home))[0]).toMatch(/^answered .*id: 'y'/)
  })
})

it('a policy about the entry of a process is also about a child that runs it', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  await probe.run(async () => {
    const child = { supervisor: 'app:supervisor', child: 'child' }
    const asks = (['restartChild', 'deleteChild', 'terminateChild'] as const).map((name) => [name, child] as const)
    for (const answer of await said(['app:lists', 'app:not_honest'], ...asks))
      expect(answer).toMatch(/^PermissionDenied: process\.\w+ of app:supervisor\/child .*app:not_honest/)
    const [restarted, deleted, ended] = await said(['app:lists'], ...asks)
    expect([restarted, deleted]).toEqual([expect.stringContaining('Conflict'), expect.stringContaining('Conflict')])
    expect(ended).toMatch(/^answered/)
  })
})

it('children are shown to code that may do something to them, and counted so', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  await probe.run(async () => {
    await processes.supervisors.startChild('app:supervisor', { id: 'second', process: 'app:honest' })
    const asks = ['app:supervisor', 'app:parted'].flatMap((supervisor) => [
      ['whichChildren', { supervisor }] as const,
      ['countChildren', { supervisor }] as const,
    ])
    const partition = ['partition', { supervisor: 'app:parted', key: 'k' }] as const
    const [all, count, parts, partCount, part] = await said(['app:sends'], ...asks, partition)
    expect([all, count]).toEqual([
      expect.stringMatching(/child.*second/),
      expect.stringContaining('specs: 2, active: 2'),
    ])
    expect([parts, partCount]).toEqual([
      expect.stringContaining("'app:parted/0'"),
      expect.stringContaining('specs: 1, active: 1, supervisors: 1'),
    ])
    expect(part).toMatch(/^answered '<\d+\.\d+>'$/)
    const [one, counted, none, uncounted, missing] = await said(['app:ends'], ...asks, partition)
    expect([one, counted]).toEqual([expect.stringContaining('child'), expect.stringContaining('specs: 1, active: 1')])
    expect(one).not.toContain('second')
    for (const answer of [none, uncounted, missing])
      expect(answer).toMatch(/^NotFound: there is no supervisor app:parted /)
  })
})

it('policies are shown to code that has them, may read them, or may choose scopes', async () => {
  await using app = await startApp({ root, entries })
  await using probe = await app.probe()
  await probe.run(async () => {
    const asks = [
      ['policy', { id: 'app:something' }],
      ['namedScope', { group: 'secret' }],
      ['evaluate', { ...question, scope: ['app:something'] }],
    ] as const
    const policy = "answered { id: 'app:something', effect: 'allow', groups: [ 'secret' ] }"
    const shown = [policy, "answered [ 'app:something' ]", "answered 'undefined'"]
    for (const id of ['app:something', 'app:reader', 'app:gives']) expect(await said([id], ...asks)).toEqual(shown)
    const denied = expect.stringMatching(/^PermissionDenied: registry\.get of app:something /) as unknown
    const absentGroup = expect.stringMatching(/^NotFound: no policy is in the group "secret"/) as unknown
    expect(await said(['app:sends'], ...asks)).toEqual([denied, absentGroup, denied])
  })
})
