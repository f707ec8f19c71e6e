/** The policies of a running application, followed and asked from another program. */
import { describe, expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

const files = {
  'package.json': '{ "type": "module" }',
  '.troupe.yaml': 'log: { level: error }\n',
  'src/_index.yaml': `
namespace: app
entries:
  - { name: reads, kind: security.policy, actions: document.read, resources: 'd*', effect: allow, groups: [readers] }
  - name: workers
    kind: process.host
    host: { isolation: thread, spares: 0 }
    lifecycle: { auto_start: true }
  - { name: asks, kind: process.ts, source: "file://work.ts", method: asks }
  - name: asker
    kind: process.service
    process: app:asks
    host: app:workers
    lifecycle: { auto_start: true, security: { actor: { id: ann }, groups: [readers] } }
  - { name: changes, kind: process.ts, source: "file://work.ts", method: changes }
  - { name: changer, kind: process.service, process: app:changes, host: app:workers, lifecycle: {} }
`,
  'src/work.ts': `
import { registry, security } from 'troupe'
import { setTimeout } from 'node:timers/promises'
export async function asks() {
  for (;;) {
    await security.can('document.read', 'd1')
    await security.can('document.write', 'd1')
    await setTimeout(50)
  }
}
export async function changes() {
  const entry = {
    id: 'app:reads', kind: 'security.policy', actions: 'document.write', resources: 'd*', effect: 'allow',
    groups: ['readers'],
  }
  await registry.apply([{ op: 'update', entry }])
  await setTimeout(2 ** 31 - 1)
}
`,
}

interface Explained {
  readonly verdict: string
  readonly registryVersion: number
  readonly pid: number
}

describe('policies of a running application', () => {
  it('are followed: each decision is a line', async () => {
    using folder = new AppFolder(files)
    using program = folder.start('run')
    await program.says('troupe: running')
    const followed = await folder.troupe('policies', '--follow', '--max', '4')
    expect(followed).toMatchObject({ status: 0, err: '' })
    const decisions = followed.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(decisions).toHaveLength(4)
    expect(decisions).toContainEqual({
      time: expect.any(Number) as number,
      actor: 'ann',
      action: 'document.read',
      resource: 'd1',
      verdict: 'allow',
      policy: 'app:reads',
      reason: 'the policy app:reads allows it to ann',
    })
    expect(decisions).toContainEqual(expect.objectContaining({ action: 'document.write', verdict: 'deny' }))
    await program.says('operator: policies --follow')
    expect(JSON.parse((await folder.troupe('policies')).out)).toContainEqual({
      policy: 'app:reads',
      allowed: expect.any(Number) as number,
      denied: 0,
    })
    // A follower ends with the application.
    using follower = folder.start('policies', '--follow')
    await follower.says('document.read')
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
    expect((await follower.ended).status).toBe(0)
  })

  it('explain what they decide now, and by which version', async () => {
    using folder = new AppFolder(files)
    using program = folder.start('run')
    await program.says('troupe: running')
    const question = ['explain', 'document.read', 'd1', '--actor', 'ann', '--group', 'readers', '--json']
    const before = await folder.troupe(...question, '--running')
    expect(before.status).toBe(0)
    const first = JSON.parse(before.out) as Explained
    expect(first.verdict).toBe('allow')
    expect((await folder.troupe('start', 'app:changer')).status).toBe(0)
    await expect.poll(async () => (await folder.troupe(...question, '--running')).status).toBe(1)
    const after = JSON.parse((await folder.troupe(...question, '--pid', String(first.pid))).out) as Explained
    expect(after).toMatchObject({ verdict: 'deny', pid: first.pid, registryVersion: first.registryVersion + 1 })
    // The files still allow it.
    expect((await folder.troupe(...question)).status).toBe(0)
    expect(await folder.troupe('explain', 'a', 'b', '--group', 'none', '--running')).toMatchObject({
      status: 1,
      err: expect.stringContaining('no policy is in the group "none"') as string,
    })
    program.kill('SIGTERM')
    await program.ended
  })
})
