/** `troupe check` finds in modules the mistakes that would end a run. */
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type AppFolder, appFolder } from '../testing/app-folder.ts'

const yaml = (name = 'one.ts', more = '') =>
  'namespace: app\nentries:\n  - { name: threads, kind: process.host }\n' +
  `  - { name: one, kind: process.ts, source: "file://${name}" }\n${more}`
const main = 'export const main = () => {}\n'

async function check(app: AppFolder) {
  const { status, out, err } = await app.troupe('check')
  const prefix = `${relative(process.cwd(), app.path)}/`
  return { status, lines: out.split('\n').map((line) => line.replaceAll(prefix, '')), err }
}

interface Case {
  readonly what: string
  readonly files: Readonly<Record<string, string>>
  readonly says: string
}

describe('an import', () => {
  const cases: readonly Case[] = [
    {
      what: 'of a type without import type',
      files: {
        'src/one.ts': `import { Shape, x } from './shape.ts'\n${main}`,
        'src/shape.ts': 'export interface Shape {}\nexport const x = 1\n',
      },
      says: 'src/one.ts:1:10: "./shape.ts" exports no "Shape": it is a type; import it with "type Shape"',
    },
    {
      what: 'of a re-exported type',
      files: {
        'src/one.ts': `export { Shape } from './shape.ts'\n${main}`,
        'src/shape.ts': 'type Shape = string\nexport type { Shape }\n',
      },
      says: 'src/one.ts:1:10: "./shape.ts" exports no "Shape": it is a type; import it with "type Shape"',
    },
    {
      what: 'of a type of a package',
      files: { 'src/one.ts': `import { Message, self } from 'troupe'\n${main}` },
      says: 'src/one.ts:1:10: "troupe" exports no "Message"',
    },
    {
      what: 'of a misspelt name',
      files: { 'src/one.ts': `import { count } from './two.ts'\n${main}`, 'src/two.ts': 'export const counts = 1\n' },
      says: 'src/one.ts:1:10: "./two.ts" exports no "count"; did you mean "counts"?',
    },
    {
      what: 'of a missing default export',
      files: { 'src/one.ts': `import two from './two.ts'\n${main}`, 'src/two.ts': 'export const x = 1\n' },
      says: 'src/one.ts:1:8: "./two.ts" exports no "default"',
    },
    {
      what: 'of JSON without its attribute',
      files: { 'src/one.ts': `import d from './d.json'\n${main}`, 'src/d.json': '{}' },
      says: "src/one.ts:1:15: add `with { type: 'json' }`: Node does not import JSON without it",
    },
    {
      what: 'of invalid JSON',
      files: { 'src/one.ts': `import d from './d.json' with { type: 'json' }\n${main}`, 'src/d.json': '{' },
      says: 'src/d.json:1:1: this is not JSON',
    },
    {
      what: 'that is dynamic, of a missing module',
      files: {
        'src/one.ts': "export const main = async () => (await import('./shape')).x\n",
        'src/shape.ts': 'export const x = 1\n',
      },
      says: 'src/one.ts:1:47: there is no module "./shape"; Node wants its whole name, which ends in ".ts"',
    },
    {
      what: 'that is dynamic, of syntax that Node cannot strip',
      files: {
        'src/one.ts': "export const main = () => import('./late.ts')\n",
        'src/late.ts': 'export namespace N { export const x = 1 }\n',
      },
      says: 'src/late.ts:1:8: TypeScript namespace declaration is not supported in strip-only mode',
    },
    {
      what: 'of a package that is not installed',
      files: { 'src/one.ts': `import x from '@/lib/x'\n${main}` },
      says: 'src/one.ts:1:15: there is no package "@/lib/x": install it, or begin a file\'s name with "./"',
    },
    {
      what: 'of a folder',
      files: { 'src/one.ts': `import './lib'\n${main}`, 'src/lib/index.ts': main },
      says:
        'src/one.ts:1:8: "./lib" is a folder: Node wants the name of ' +
        'a file; Node wants its whole name, which ends in "/index.ts"',
    },
    {
      what: 'of a file that Node does not run',
      files: { 'src/one.ts': `import './page.tsx'\n${main}`, 'src/page.tsx': '' },
      says: 'src/one.ts:1:8: Node does not import ".tsx" files: "./page.tsx"',
    },
    {
      what: 'by require, of a missing module',
      files: { 'src/_index.yaml': yaml('one.cjs'), 'src/one.cjs': "exports.main = require('./two').main\n" },
      says: 'src/one.cjs:1:24: there is no module "./two"',
    },
  ]

  it.each(cases)('$what', async ({ files, says }) => {
    using app = appFolder({ 'package.json': '{ "type": "module" }', 'src/_index.yaml': yaml(), ...files })
    expect((await check(app)).lines).toEqual([says])
  })
})

describe('a module', () => {
  const cases: readonly Case[] = [
    {
      what: 'of ES beside "type": "commonjs"',
      files: { 'package.json': '{ "type": "commonjs" }', 'src/one.ts': `\n${main}` },
      says:
        'src/one.ts:2:1: this is an ES module, and package.json says ' +
        '"type": "commonjs": make that "module", or name the file ".mts"',
    },
    {
      what: 'of CommonJS beside "type": "module"',
      files: { 'src/_index.yaml': yaml('one.js'), 'src/one.js': 'exports.main = () => {}\n' },
      says:
        'src/one.js:1:1: this is CommonJS, and an ES module has no "exports": ' +
        'package.json says "type": "module"; name it ".cjs", or use "export"',
    },
    {
      what: 'of ES with the name of CommonJS',
      files: { 'src/_index.yaml': yaml('one.cts'), 'src/one.cts': main },
      says: "src/one.cts:1:1: 'import' and 'export' may appear only with 'sourceType: module'",
    },
    {
      what: 'that exports its own type as a value',
      files: { 'src/one.ts': `interface Shape {}\nexport { Shape }\n${main}` },
      says: "src/one.ts:2:10: Export 'Shape' is not defined",
    },
    {
      what: 'with a parameter property',
      files: { 'src/one.ts': `class A { constructor(private x: number) {} }\n${main}` },
      says: 'src/one.ts:1:31: TypeScript parameter property is not supported in strip-only mode',
    },
    {
      what: 'with an unsupported extension',
      files: { 'src/_index.yaml': yaml('one.tsx'), 'src/one.tsx': main },
      says: 'src/_index.yaml:4:44: app:one: source: Node runs no ".tsx" files',
    },
  ]

  it.each(cases)('$what', async ({ files, says }) => {
    using app = appFolder({ 'package.json': '{ "type": "module" }', 'src/_index.yaml': yaml(), ...files })
    expect(
      (await check(app)).lines.map((line) => line.replaceAll(`${relative(process.cwd(), app.path)}/`, '')),
    ).toEqual([says])
  })

  it('that is not UTF-8', async () => {
    using app = appFolder({ 'src/_index.yaml': yaml() })
    writeFileSync(join(app.path, 'src/one.ts'), Buffer.from(`${main}const caf\xe9 = 1\n`, 'latin1'))
    expect((await check(app)).lines).toEqual(['src/one.ts:2:10: this is not UTF-8: save it as UTF-8'])
  })
})

describe('a call', () => {
  it('accepts the name of an existing entry of its kind', async () => {
    using app = appFolder({
      'src/_index.yaml': yaml(
        'one.ts',
        '  - { name: sum, kind: function.ts, source: "file://one.ts", method: main }\n',
      ),
      'src/one.ts': `import { funcs, processes as p, registry, processes } from 'troupe'
export async function main() {
  await funcs.call('app:sum')
  await funcs.withOptions({ timeout: 1 }).call('app:summ')
  await processes.spawn('app:one', 'app:treads')
  await processes.exec(\`app:sum\`, 'app:threads')
  await processes.spawn('app:later', 'app:threads')
  await registry.apply([{ op: 'create', entry: { id: 'app:later', kind: 'process.ts', source: 'file://one.ts' } }])
  await p.spawn('app:one', 'app:threads')
}
`,
    })
    expect((await check(app)).lines).toEqual([
      'src/one.ts:4:48: there is no entry app:summ; did you mean "app:sum"?',
      'src/one.ts:5:36: there is no entry app:treads; did you mean "app:threads"?',
      'src/one.ts:6:24: app:sum is of the kind function.ts; expected process.ts',
    ])
  })
})

describe('a warning', () => {
  it('is given for a function of one thread that several networks share, and does not fail the check', async () => {
    const one = (name: string, more = '') =>
      `  - { name: ${name}, kind: function.ts, source: "file://one.ts", method: main, pool: { max: 1 }${more} }\n`
    const proxy = '  - { name: proxy, kind: network.socks5, host: 127.0.0.1, port: 1080 }\n'
    const pinned = one('pinned', ', meta: { options: { network: proxy } }')
    using app = appFolder({ 'src/_index.yaml': yaml('one.ts', one('free') + pinned + proxy), 'src/one.ts': main })
    const { status, lines, err } = await check(app)
    expect(lines).toEqual([expect.stringMatching(/^src\/_index\.yaml:5:\d+: warning: app:free: pool\.max: /)])
    expect([status, err]).toEqual([0, '5 entries, no problems, 1 warning\nsee: troupe docs one-thread'])
    using alone = appFolder({ 'src/_index.yaml': yaml('one.ts', one('free')), 'src/one.ts': main })
    expect((await check(alone)).err).toBe('3 entries, no problems')
  })
})

describe('limits of a host', () => {
  it.each([
    ['stackSizeMb', 0.1],
    ['stackSizeMb', 0.25],
    ['maxOldGenerationSizeMb', 2],
    ['maxOldGenerationSizeMb', 8],
    ['maxYoungGenerationSizeMb', 0.1],
    ['codeRangeSizeMb', 0.5],
  ])('that would end the program are refused: %s %d', async (name, size) => {
    using app = appFolder({
      'src/_index.yaml':
        'namespace: app\nentries:\n' +
        `  - { name: h, kind: process.host, host: { resource_limits: { ${name}: ${size} } } }\n`,
    })
    expect((await check(app)).lines).toEqual([
      expect.stringMatching(
        /^src\/_index\.yaml:3:\d+: app:h: host\.resource_limits\.\w+: a thread does not start with /,
      ),
    ])
  })
})
