/** What an operator sees of queues, and decides about dead jobs. */
import { expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

const files = {
  'package.json': '{ "type": "module" }',
  'src/_index.yaml': `
namespace: app
entries:
  - name: workers
    kind: process.host
    host: { isolation: shared, workers: 1 }
    lifecycle: { auto_start: true }
  - { name: mails, kind: queue.queue }
  - { name: send, kind: function.ts, source: "file://send.ts", pool: { min: 1, max: 1 } }
  - name: mailer
    kind: queue.consumer
    queue: mails
    func: send
    max_attempts: 1
    lifecycle: { auto_start: true }
  - { name: publishes, kind: process.ts, source: "file://send.ts", method: publishes }
  - name: publisher
    kind: process.service
    process: app:publishes
    host: app:workers
    lifecycle: { auto_start: true }
`,
  'src/send.ts': `
import { queues, self } from 'troupe'

let fails = true

/** Fails for Ann the first time, and for Bob each time. */
export async function handler({ to }) {
  if (to === 'bob' || fails) {
    if (to === 'ann') fails = false
    throw new Error('no such mailbox')
  }
  return to
}

export async function publishes() {
  await queues.publish('app:mails', { to: 'ann' }, { id: 'ann 1', key: 'a' })
  await queues.publish('app:mails', { to: 'bob' }, { id: 'bob' })
  await self.receive({ topic: 'never' })
}
`,
}

it('an operator counts the jobs of queues, and lists, replays and drops dead ones', { timeout: 600_000 }, async () => {
  using folder = new AppFolder(files)
  using program = folder.start('run', '--set', 'log.level=debug', '--set', 'log.format=text')
  await program.says('job "ann 1" of app:mails is dead')
  await program.says('job "bob" of app:mails is dead')
  const document = async (...argv: readonly string[]): Promise<unknown> => {
    const { out, err } = await folder.troupe(...argv)
    expect(err).toBe('')
    return JSON.parse(out)
  }
  const jobs = { delayed: 0, waiting: 0, running: 0, done: 0, dead: 2 }
  expect(await document('queues')).toEqual([{ queue: 'app:mails', jobs }])
  const dead = await document('dead-jobs', 'list', 'app:mails')
  const errors = [{ attempt: 1, kind: 'Unknown', message: 'no such mailbox' }]
  expect(dead).toMatchObject([
    { id: 'ann 1', key: 'a', attempts: 1, errors },
    { id: 'bob', attempts: 1, errors },
  ])
  expect(JSON.stringify(dead)).not.toContain('"to"')
  expect((await folder.troupe('dead-jobs', 'replay', 'app:mails', 'ann 1')).err).toBe('')
  await program.says('operator: job-replay app:mails ann 1')
  await program.says('job "ann 1" of app:mails is done')
  expect((await folder.troupe('dead-jobs', 'drop', 'app:mails', 'bob')).err).toBe('')
  await program.says('operator: job-drop app:mails bob')
  const again = await folder.troupe('dead-jobs', 'replay', 'app:mails', 'bob')
  expect([again.status, again.err]).toEqual([1, expect.stringContaining('app:mails has no dead job "bob"')])
})
