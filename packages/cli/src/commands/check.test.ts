import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AppFolder, appFolder } from '../testing/app-folder.ts'
import { containing, matching } from '../testing/matchers.ts'

const head = 'version: "1.0"\nnamespace: app\nentries:\n'
const right = 'export async function main() {}\n'

/** Lines of `troupe check`, with files relative to the application. */
async function check(app: AppFolder, ...argv: readonly string[]) {
  const { status, out, err } = await app.troupe(...argv, 'check')
  const prefix = `${relative(process.cwd(), app.path)}/`
  return {
    status,
    lines: out.split('\n').map((line) => line.replaceAll(prefix, '').replaceAll(`${app.path}/`, '')),
    err,
  }
}

const processOf = (fields: string) => `${head}  - name: one\n    kind: process.ts\n${fields}`

describe('troupe check', () => {
  const cases: readonly {
    readonly what: string
    readonly files: Readonly<Record<string, string>>
    readonly says: string | RegExp
  }[] = [
    {
      what: 'YAML that does not parse',
      files: { 'src/_index.yaml': `${head}  - name: [one\n    kind: process.ts\n` },
      says: /^src\/_index\.yaml:\d+:\d+: /,
    },
    {
      what: 'an unknown kind',
      files: { 'src/_index.yaml': `${head}  - name: one\n    kind: proces.ts\n` },
      says: 'src/_index.yaml:5:11: app:one: kind: there is no kind "proces.ts"; did you mean "process.ts"?',
    },
    {
      what: 'an unknown field',
      files: { 'src/_index.yaml': processOf('    source: file://one.ts\n    methd: main\n'), 'src/one.ts': right },
      says: 'src/_index.yaml:7:5: app:one: methd: there is no such field; did you mean "method"?',
    },
    {
      what: 'a wrong type',
      files: { 'src/_index.yaml': processOf('    source: 7\n') },
      says: 'src/_index.yaml:6:13: app:one: source: expected a file such as "file://main.ts"',
    },
    {
      what: 'an unknown reference',
      files: {
        'src/_index.yaml': processOf('    source: file://one.ts\n    meta: { options: { network: proxy } }\n'),
        'src/one.ts': right,
      },
      says: 'src/_index.yaml:7:33: app:one: meta.options.network: there is no entry app:proxy',
    },
    {
      what: 'a missing module',
      files: { 'src/_index.yaml': processOf('    source: file://one.ts\n') },
      says: 'src/_index.yaml:6:13: app:one: source: there is no file src/one.ts',
    },
    {
      what: 'a missing method',
      files: { 'src/_index.yaml': processOf('    source: file://one.ts\n    method: mian\n'), 'src/one.ts': right },
      says: 'src/_index.yaml:7:13: app:one: method: file://one.ts exports no "mian"; did you mean "main"?',
    },
    {
      what: 'a missing method of the default name',
      files: {
        'src/_index.yaml': processOf('    source: file://one.ts\n'),
        'src/one.ts': 'export const run = () => {}\n',
      },
      says: 'src/_index.yaml:6:13: app:one: method: file://one.ts exports no "main", the default; it exports run',
    },
    {
      what: 'a port out of range',
      files: {
        'src/_index.yaml': `${head}  - name: proxy\n    kind: network.socks5\n    host: 127.0.0.1\n    port: 70000\n`,
      },
      says: /^src\/_index\.yaml:7:11: app:proxy: port: .*65535/,
    },
    {
      what: 'TypeScript that does not parse',
      files: {
        'src/_index.yaml': processOf('    source: file://one.ts\n'),
        'src/one.ts': `${right}const a: number = 1 +;\n`,
      },
      says: 'src/one.ts:2:22: Expression expected',
    },
    {
      what: 'TypeScript that Node cannot run',
      files: {
        'src/_index.yaml': processOf('    source: file://one.ts\n'),
        'src/one.ts': `${right}enum Colour { Red }\n`,
      },
      says: 'src/one.ts:2:1: TypeScript enum is not supported in strip-only mode',
    },
    {
      what: 'JavaScript that does not parse',
      files: { 'src/_index.yaml': processOf('    source: file://one.js\n'), 'src/one.js': `${right}let a = ;\n` },
      says: 'src/one.js:2:9: Unexpected token',
    },
    {
      what: 'a missing import of an imported module',
      files: {
        'src/_index.yaml': processOf('    source: file://one.ts\n'),
        'src/one.ts': `import './two.ts'\n${right}`,
        'src/two.ts': "\nimport { x } from './lib/three'\nexport const y: number = x\n",
        'src/lib/three.ts': 'export const x = 1\n',
      },
      says: 'src/two.ts:2:19: there is no module "./lib/three"; Node wants its whole name, which ends in ".ts"',
    },
    {
      what: 'a duplicate command',
      files: {
        'src/_index.yaml':
          `${processOf('    source: file://one.ts\n    meta: { command: { name: go } }\n')}  - name: two\n` +
          '    kind: process.ts\n    source: file://one.ts\n    meta: { command: { name: go } }\n',
        'src/one.ts': right,
      },
      says:
        'src/_index.yaml:11:30: app:two: meta.command.name: "go" ' +
        'is already the command of app:one at src/_index.yaml:7:13',
    },
    {
      what: 'a list instead of a document',
      files: { 'src/_index.yaml': '- { name: p, kind: process.host }\n' },
      says:
        'src/_index.yaml:1:1: expected a mapping with "namespace" ' +
        'and "entries", not a list: put the list under "entries:"',
    },
    {
      what: 'a proxy at an address behind I2P',
      files: {
        'src/_index.yaml':
          `${head}  - { name: eep, kind: network.i2p, host: 127.0.0.1, port: 7656 }\n` +
          '  - { name: hop, kind: network.socks5, host: 10.0.0.1, port: 1080, via: eep }\n',
      },
      says: /app:hop: via: overlay app:eep is I2P, which reaches no proxy but one with a name that ends in \.i2p/,
    },
    {
      what: 'an authority of a tailnet that is no certificate',
      files: {
        'src/_index.yaml': `${head}  - { name: one, kind: network.tailscale, ca: file://ca.pem }\n`,
        'src/ca.pem': 'nothing\n',
      },
      says: /app:one: ca: the certificates of overlay app:one cannot be read \(/,
    },
    {
      what: 'two nodes of a tailnet in one folder',
      files: {
        'src/_index.yaml':
          `${head}  - { name: one, kind: network.tailscale, hostname: web }\n` +
          '  - { name: two, kind: network.tailscale, state_dir: tailscale/web }\n',
      },
      says: /app:two: state_dir: .*tailscale\/web is the state of app:one already/,
    },
    {
      what: 'a default overlay that is not an overlay',
      files: { '.troupe.yaml': 'network_service:\n  default_network: app:one\n', 'src/_index.yaml': `${head}  []\n` },
      says: /^\.troupe\.yaml:2:20: network_service.default_network: there is no overlay app:one/,
    },
  ]

  it.each(cases)('reports $what, with its position', async ({ files, says }) => {
    using app = appFolder(files)
    const { status, lines, err } = await check(app)
    expect(lines).toEqual([typeof says === 'string' ? says : matching(says)])
    expect(status).toBe(1)
    expect(err).toMatch(/, 1 problem\nsee: troupe docs [\w-]+$/)
  })

  it('reports everything at once: config, entries, modules', async () => {
    using app = appFolder({
      '.troupe.yaml': 'log:\n  level: loud\n',
      'src/a.yaml': `${head}  - name: p\n    kind: network.socks5\n    host: ""\n    port: 0\n    colour: red\n`,
      'src/b.yaml':
        `${head}  - name: q\n    kind: process.ts\n    source: file://q.ts\n` +
        '  - name: r\n    kind: function.ts\n    source: file://none.ts\n',
      'src/c.yaml': 'namespace: [\n',
      'src/q.ts': 'export const main: =\n',
    })
    const { status, lines } = await check(app)
    expect(lines.map((line) => line.split(': ')[0])).toEqual([
      '.troupe.yaml:2:10',
      'src/a.yaml:6:11',
      'src/a.yaml:7:11',
      'src/a.yaml:8:5',
      'src/b.yaml:9:13',
      matching(/^src\/c\.yaml:/),
      'src/q.ts:1:20',
    ])
    expect(status).toBe(1)
  })

  it('prints JSON', async () => {
    using app = appFolder({
      'src/_index.yaml': processOf('    source: file://one.ts\n    method: mian\n'),
      'src/one.ts': right,
    })
    const { out, status } = await app.troupe('check', '--json')
    expect(JSON.parse(out)).toEqual([
      {
        code: 'missing-method',
        message: containing('mian'),
        entry: 'app:one',
        path: 'method',
        place: { file: `${app.path}/src/_index.yaml`, line: 7, column: 13 },
      },
    ])
    expect(status).toBe(1)
  })

  it('finds no problem in a correct application, and runs none of it', async () => {
    using app = appFolder({
      'src/_index.yaml': `${head}${['declared', 'renamed', 'starred', 'handed_on', 'common', 'bound', 'by_default']
        .map(
          (name) =>
            `  - name: ${name}\n    kind: process.ts\n    source: file://${name}.ts\n` +
            `    method: ${name === 'by_default' ? 'default' : 'main'}\n`,
        )
        .join('')}`,
      'src/declared.ts': "throw new Error('this ran')\nexport async function main(): Promise<void> {}\n",
      'src/renamed.ts': 'function start(): void {}\nexport { start as main, type X }\ntype X = string\n',
      'src/starred.ts': "export * from './circle.ts'\n",
      'src/circle.ts': "export * from './starred.ts'\nexport * from './declared.ts'\n",
      'src/handed_on.ts': "export * from 'pino'\n",
      'src/common.ts': 'exports.main = () => {}\n',
      'src/bound.ts': 'export const { a: [main], ...rest } = { a: [() => {}] }\n',
      'src/by_default.ts': 'export default () => {}\n',
    })
    expect(await check(app)).toEqual({ status: 0, lines: [''], err: '7 entries, no problems' })
  })

  it('takes fields and config from the command line, and names a wrong option', async () => {
    using app = appFolder({
      'src/_index.yaml': `${head}  - name: proxy\n    kind: network.socks5\n    host: 127.0.0.1\n    port: 1080\n`,
    })
    expect((await check(app, '-o', 'app:proxy:port=9050', '--set', 'log.level=debug')).status).toBe(0)
    expect((await check(app, '-o', 'app:proxy:port=0')).lines).toEqual([
      matching(/^-o app:proxy:port:1:1: app:proxy: port: /),
    ])
    expect((await check(app, '--set', 'log.level=loud')).lines).toEqual([
      matching(/^--set log.level:1:1: log\.level: /),
    ])
    expect(await check(app, '-o', 'app:prxy:port=1')).toMatchObject({
      status: 1,
      err: containing('did you mean "app:proxy"?'),
    })
  })

  it.each(['src/_index.yaml', '.troupe.yaml', '.env'])('reports text that is not UTF-8: %s', async (name) => {
    using app = appFolder({
      'src/_index.yaml':
        `${head}  - { name: store, kind: env.storage.file, path: .env }\n` +
        '  - { name: KEY, kind: env.variable, storage: store }\n' +
        `  - { name: h, kind: process.host, meta: { note: "\${env:KEY|x}" } }\n`,
    })
    writeFileSync(join(app.path, name), Buffer.from('# one\nKEY: caf\xe9 # two\n', 'latin1'))
    expect((await check(app)).lines).toContainEqual(matching(/:2:9: this is not UTF-8: save it as UTF-8$/))
  })

  it('reports a folder that cannot be read', async () => {
    using app = appFolder()
    expect(await check(app)).toMatchObject({ status: 1, err: containing(`NotFound: the folder ${app.path}/src`) })
  })
})
