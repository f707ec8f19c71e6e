import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

const command = (name: string) => `  - name: ${name}
    kind: process.ts
    source: file://${name}.ts
    meta: { command: { name: ${name} } }
`

const app = () =>
  new AppFolder({
    'package.json': '{ "type": "module" }',
    // The output that a terminal would show.
    '.troupe.yaml': 'log: { format: text }\n',
    'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - name: threads
    kind: process.host
    lifecycle: { auto_start: true }
  - name: clock
    kind: process.service
    process: clock_process
    host: threads
    lifecycle: { auto_start: true }
  - name: clock_process
    kind: process.ts
    source: file://clock.ts
${['answers', 'returns', 'fails', 'busy', 'loud'].map(command).join('')}`,
    'src/clock.ts': `import { self } from 'troupe'
export async function main() {
  for await (const message of self.inbox) message.reply()
  console.log('the clock has stopped')
}
`,
    'src/answers.ts': `export function main(...args: string[]) {
  console.log(JSON.stringify(args))
  return 7
}
`,
    'src/returns.ts': 'export const main = (value: string) => (value === "nothing" ? undefined : Number(value))\n',
    'src/fails.ts': `export function main() {
  throw new RangeError('too far', { cause: new Error('the road is long') })
}
`,
    'src/busy.ts': `export function main() {
  console.log('busy')
  for (;;) {}
}
`,
    'src/loud.ts': `export function main() {
  for (let line = 0; line < 20_000; line++) console.log(\`\${line} \${'.'.repeat(60)}\`)
}
`,
  })

describe('troupe run', () => {
  it('runs a command with its arguments, and exits with the number that it returns', async () => {
    using folder = app()
    const { status, out } = await folder.troupe('run', 'answers', 'a', '--json', '-x')
    expect(out).toContain('["a","--json","-x"]\n')
    expect(status).toBe(7)
  })

  it('runs an entry by its id', async () => {
    using folder = app()
    expect(await folder.troupe('run', '--exec', 'app:answers', 'b')).toMatchObject({
      status: 7,
      out: expect.stringContaining('["b"]\n') as unknown,
    })
  })

  it.each([
    ['nothing', 0],
    ['0', 0],
    ['3', 3],
    ['256', 1],
    ['1.5', 1],
    ['-1', 1],
  ])('maps %s to status %i', async (value, status) => {
    using folder = app()
    expect((await folder.troupe('run', '--exec', 'app:returns', '--', value)).status).toBe(status)
  })

  it('reports why a command failed, and exits with status 1', async () => {
    using folder = app()
    const { status, err } = await folder.troupe('run', 'fails')
    expect(err).toMatch(/troupe: app:fails failed\nRangeError: too far at \S+ \(src\/fails\.ts:2:\d+\)\n/)
    expect(err).toMatch(/ \(src\/fails\.ts:2:\d+\)\n {2}because: Error: the road is long at .*\n/)
    expect(err).toMatch(/^ERROR app:fails <\d+\.1> failed: RangeError: too far at .*; because Error: the road is long/m)
    expect(status).toBe(1)
    expect((await folder.troupe('run', '-v', 'fails')).err).toContain('src/fails.ts:2:')
  })

  it('reports an imported module that cannot be read: file, line, and the wrong imports', async () => {
    using folder = new AppFolder({
      'package.json': '{ "type": "module" }',
      '.troupe.yaml': 'log: { format: text }\n',
      'src/_index.yaml':
        'namespace: app\nentries:\n  - { name: threads, kind: process.host, lifecycle: { auto_start: true } }\n' +
        ['strip', 'parse'].map(command).join(''),
      'src/strip.ts': "import { Level } from './level.ts'\nexport const main = () => console.log(Level.Low)\n",
      'src/level.ts': '\nexport enum Level { Low, High }\n',
      'src/parse.ts': "import { x } from './broken.ts'\nexport const main = () => console.log(x)\n",
      'src/broken.ts': '\n\nexport const x = (\n',
    })
    for (const [name, place] of [
      ['strip', 'src/level.ts:2:8'],
      ['parse', 'src/broken.ts:'],
    ] as const) {
      const { status, err } = await folder.troupe('run', name)
      expect(err).toMatch(new RegExp(`^ERROR app:${name} <\\d+\\.1> failed: SyntaxError: \\S*${place}`, 'm'))
      expect(err).toContain(`troupe: app:${name} failed\nSyntaxError: `)
      // The output of `troupe check`.
      expect(err).toMatch(new RegExp(`^${place}`, 'm'))
      expect(status).toBe(1)
    }
  })

  it('suggests commands, starts nothing, and exits with status 2', async () => {
    using folder = app()
    const { status, out, err } = await folder.troupe('run', 'bussy')
    expect(err).toContain('the application has no command "bussy"; did you mean "busy"?')
    expect([status, out]).toEqual([2, ''])
  })

  it('reports all problems instead of starting', async () => {
    using folder = app()
    const { status, err } = await folder.troupe('run', 'answers', '-o', 'unused')
    expect([status, err.includes('app:clock Running')]).toEqual([7, true])
    const broken = await folder.troupe(
      '-o',
      'app:clock:host=nowhere',
      '-o',
      'app:threads:host.spares=-1',
      'run',
      'answers',
    )
    const lines = broken.err.trim().split('\n')
    expect([lines.length, lines.at(-1)]).toEqual([3, expect.stringMatching(/^see: troupe docs [a-z]+-[a-z]+$/)])
    expect(broken.err).toContain('app:clock: host: there is no entry app:nowhere')
    expect(broken.status).toBe(1)
  })

  it('loses no output of a command', async () => {
    using folder = app()
    const { out } = await folder.troupe('run', 'loud')
    expect(out.split('\n').filter((line) => line.endsWith('...'))).toHaveLength(20_000)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('runs until %s and stops in order', async (signal) => {
    using folder = app()
    using program = folder.start('run')
    await program.says('troupe: running')
    program.kill(signal)
    const { status, err, out } = await program.ended
    expect(
      err
        .slice(err.indexOf(`troupe: ${signal}`))
        .trim()
        .split('\n'),
    ).toEqual([
      `troupe: ${signal}: stopping`,
      'app:clock Stopping',
      'app:clock Stopped',
      'app:threads Stopping',
      'app:threads Stopped',
    ])
    expect(out).toBe('the clock has stopped\n')
    expect(status).toBe(0)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('stops a busy command at %s, in order, with status %i', async (signal, expected) => {
    using folder = app()
    using program = folder.start('run', 'busy')
    await program.says('busy\n')
    program.kill(signal)
    const { status, err } = await program.ended
    expect(err).toContain(`troupe: ${signal}: stopping app:busy\n`)
    expect(err).toContain('app:threads Stopped\n')
    expect(status).toBe(expected)
  })

  it('exits at once at a second signal', async () => {
    using folder = app()
    // The clock would never stop.
    using program = folder.start(
      'run',
      '-o',
      'app:clock_process:source=file://busy.ts',
      '-o',
      'app:clock:lifecycle.stop_timeout=1h',
    )
    await program.says('busy\n')
    await program.says('troupe: running')
    program.kill('SIGTERM')
    await program.says('app:clock Stopping')
    program.kill('SIGINT')
    const { status, err } = await program.ended
    expect(err).toContain('troupe: SIGINT again: ended at once\n')
    expect(status).toBe(130)
  })

  it('abandons what does not stop in time', async () => {
    using folder = app()
    const slow = ['-o', 'app:clock_process:source=file://busy.ts', '-o', 'app:clock:lifecycle.stop_timeout=1h']
    const { status, err } = await folder.troupe(...slow, '--set', 'shutdown.timeout=100ms', 'run', 'returns', '0')
    expect(err).toContain('troupe: the stop failed\nTimeout: it did not stop within 100 ms (shutdown.timeout)\n')
    expect(status).toBe(1)
  })
})

/** An application whose only service fails at each start. */
const failing = (code: string) =>
  new AppFolder({
    'package.json': '{ "type": "module" }',
    '.troupe.yaml': 'log: { format: text }\n',
    'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - { name: threads, kind: process.host, lifecycle: { auto_start: true } }
  - { name: program, kind: process.ts, source: "file://program.ts" }
  - { name: other, kind: process.ts, source: "file://program.ts", method: other }
  - name: worker
    kind: process.service
    process: program
    host: threads
    lifecycle: { auto_start: true, restart: { initial_delay: 10ms, max_attempts: 2 } }
`,
    'src/program.ts': code,
  })

describe('troupe run, when its last service has given up', () => {
  it('stops with status 1 and the reason', async () => {
    using folder = failing("export function main() {\n  throw new Error('no disk')\n}\nexport const other = main\n")
    const { status, err } = await folder.troupe('run')
    expect(err).toContain(
      'troupe: no service is left that can run: stopping\n' +
        '  app:worker gave up: Error: no disk at main (src/program.ts:2:9)\n',
    )
    expect(err).toContain('app:threads Stopped\n')
    expect(status).toBe(1)
  })

  it('runs on while a process does that code has started', async () => {
    using folder = failing(`import { processes, self } from 'troupe'
export async function main() {
  if ((await processes.names.lookup('other')) === undefined)
    await processes.call(await processes.spawn('app:other', 'app:threads'), 'are you there')
  throw new Error('no disk')
}
export async function other() {
  await processes.names.register('other')
  for await (const message of self.inbox) message.reply()
}
`)
    using program = folder.start('run')
    await program.says('app:worker Exited')
    const list = await folder.troupe('ps', '--json')
    expect(list.out).toContain('app:other')
    const pid = /"pid": ?"(<[\d.]+>)"/.exec(list.out)?.[1] ?? ''
    await folder.troupe('kill', pid)
    const { status, err } = await program.ended
    expect(err).toContain('troupe: no service is left that can run: stopping\n')
    expect(status).toBe(1)
  })

  it('runs on with --watch, so that a correction starts it again', async () => {
    using folder = failing("export function main() {\n  throw new Error('no disk')\n}\nexport const other = main\n")
    using program = folder.start('run', '--watch')
    await program.says('app:worker Exited')
    writeFileSync(
      join(folder.path, 'src/program.ts'),
      "import { self } from 'troupe'\nexport async function main() {\n" +
        "  console.log('corrected')\n  for await (const _ of self.inbox);\n}\nexport const other = main\n",
    )
    await program.says('corrected')
    program.kill('SIGINT')
    expect((await program.ended).status).toBe(0)
  })
})
