/** Messages of a running application, recorded and counted from another program. */
import { describe, expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

const files = {
  'package.json': '{ "type": "module" }',
  'src/_index.yaml': `
namespace: app
entries:
  - name: workers
    kind: process.host
    host: { isolation: thread, spares: 0 }
    lifecycle: { auto_start: true }
  - { name: answers, kind: process.ts, source: "file://work.ts", method: answers }
  - { name: asks, kind: process.ts, source: "file://work.ts", method: asks }
  - name: callee
    kind: process.service
    process: app:answers
    host: app:workers
    lifecycle: { auto_start: true }
  - name: caller
    kind: process.service
    process: app:asks
    host: app:workers
    lifecycle: { auto_start: true, requires: [callee] }
`,
  'src/work.ts': `
import { processes, self, trace } from 'troupe'
import { setTimeout } from 'node:timers/promises'
export async function answers() {
  for await (const message of self.inbox) message.reply('not-shown')
}
export async function asks() {
  const traceparent = trace.begin()
  for (;;) {
    await processes.call('app:callee', 'ask', { secret: 'not-shown' })
    await processes.send('app:callee', 'note\\n  p0->>p1: forged', traceparent)
    await setTimeout(20)
  }
}
`,
}

interface Recorded {
  readonly messages: readonly { readonly trace: string }[]
}

describe('a recording', () => {
  it('shows what a process takes and sends, without payloads, and leaves a line in the log', async () => {
    // The lines of operators are written at any level.
    using folder = new AppFolder({ ...files, '.troupe.yaml': 'log: { level: error }\n' })
    using program = folder.start('run')
    await program.says('troupe: running')
    const { rows } = JSON.parse((await folder.troupe('ps')).out) as {
      rows: readonly { readonly pid: string; readonly entry: string }[]
    }
    const pidOf = (wanted: string) => rows.find(({ entry }) => entry === wanted)?.pid ?? ''
    const [callee, caller] = [pidOf('app:answers'), pidOf('app:asks')]

    // It ends with the tenth message, long before its time.
    const taken = await folder.troupe('trace', callee, '--for', '10m', '--max', '10')
    expect(taken).toMatchObject({ status: 0, err: '' })
    const { messages } = JSON.parse(taken.out) as Recorded
    expect(messages).toHaveLength(10)
    expect(messages).toContainEqual({
      time: expect.any(Number) as number,
      direction: 'in',
      kind: 'call',
      from: caller,
      to: callee,
      topic: 'ask',
      bytes: expect.any(Number) as number,
      trace: expect.stringMatching(/^[\da-f]{32}$/) as string,
    })
    expect(new Set(messages.map(({ trace }) => trace)).size).toBe(1)
    expect(taken.out).not.toContain('not-shown')
    await program.says(`operator: trace ${callee}`)

    const sent = await folder.troupe('trace', caller, '--for', '10m', '--max', '4', '--json')
    expect(JSON.parse(sent.out)).toMatchObject({
      pid: caller,
      messages: Array.from({ length: 4 }, () => ({ direction: 'out', from: caller, to: callee })),
      entries: { [caller]: 'app:asks', [callee]: 'app:answers' },
    })

    const diagram = (await folder.troupe('trace', callee, '--max', '4', '--for', '10m', '--format', 'mermaid')).out
    expect(diagram.split('\n').slice(0, 3)).toEqual([
      'sequenceDiagram',
      expect.stringContaining('participant p0 as'),
      expect.stringContaining('participant p1 as'),
    ])
    // A topic is no statement of the diagram.
    expect(diagram.split('\n').filter((line) => /^ {2}p1(?:->>|-\))p0: /.test(line))).toHaveLength(4)
    const text = (await folder.troupe('trace', callee, '--max', '4', '--for', '10m', '--format', 'text')).out
    expect(text).toMatch(/\d\.\d{3} s {2}\|<=+ ask \d+ B =+\|/)
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
  })

  it('counts who sends to whom', async () => {
    using folder = new AppFolder({ ...files, '.troupe.yaml': 'log: { level: error }\n' })
    using program = folder.start('run')
    await program.says('troupe: running')
    // As long as it takes on this machine until the caller has sent something.
    await expect
      .poll(async () => JSON.parse((await folder.troupe('flow', '--for', '1s')).out) as unknown, { timeout: 90_000 })
      .toMatchObject({ flows: [{ entry: 'app:asks', toEntry: 'app:answers' }] })
    const table = (await folder.troupe('flow', '--for', '1s', '--format', 'text')).out
    expect(table).toMatch(/^FROM +TO +MESSAGES +PER SECOND +BYTES\n/)
    await program.says('operator: flow')
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
  })

  it('says what is wrong', async () => {
    using folder = new AppFolder(files)
    using program = folder.start('run')
    await program.says('troupe: running')
    const failing = async (...argv: readonly string[]) => (await folder.troupe(...argv)).err
    expect(await failing('trace', 'nonsense', '--for', '1s')).toContain('"nonsense" is not a pid')
    expect(await failing('trace', '<99.1>', '--for', '1s')).toContain('there is no process <99.1>')
    expect(await failing('trace', '<0.99>', '--for', '1s')).toContain('there is no process <0.99>')
    expect(await failing('trace', '<0.0>', '--for', '1h')).toContain('a recording lasts up to ten minutes')
    program.kill('SIGTERM')
    await program.ended
  })
})
