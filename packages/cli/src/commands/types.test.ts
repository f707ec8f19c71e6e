import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { appFolder, troupe } from '../testing/app-folder.ts'

const files = {
  'src/_index.yaml': `namespace: app
entries:
  - { name: fetch_ip, kind: function.ts, source: file://fetch_ip.ts }
  - { name: odd, kind: function.ts, source: "file://it's/odd.ts", method: default }
  - { name: probe, kind: process.ts, source: file://probe.ts }
  - { name: plain, kind: function.ts, source: file://plain.js }
  - { name: mistaken, kind: process.ts, source: file://probe.ts, method: mian }
  - { name: proxy, kind: network.socks5, host: 127.0.0.1, port: 1080 }
  - { name: threads, kind: process.host }
  - { name: listed, kind: process.ts, source: file://listed.ts }
  - { name: checked, kind: process.ts, source: file://checked.ts }
  - { name: service, kind: process.service, process: listed, host: threads, replicas: 2 }
`,
  'src/fetch_ip.ts': `export async function handler(url: string, tries?: number): Promise<{ ip: string }> {
  return { ip: \`\${url} \${tries}\` }
}
`,
  "src/it's/odd.ts": 'export default (): bigint => 1n\n',
  'src/plain.js': 'export function handler(a) { return a }\n',
  'src/listed.ts': "export type { Messages } from './messages.ts'\nexport async function main() {}\n",
  'src/messages.ts': 'export type Messages = { readonly add: { readonly payload: number } }\n',
  'src/checked.ts': 'export const messages = { add: {} }\nexport async function main() {}\n',
  'src/probe.ts':
    'export async function main(host: string, ports: readonly number[]): Promise<number> {\n' +
    '  return ports.length + host.length\n}\n',
}

const written = `// Written by "troupe types" from the application's entries. Changes here are lost.
export {}

declare module 'troupe' {
  interface EntryKinds {
    'app:checked': 'process.ts'
    'app:fetch_ip': 'function.ts'
    'app:listed': 'process.ts'
    'app:mistaken': 'process.ts'
    'app:odd': 'function.ts'
    'app:plain': 'function.ts'
    'app:probe': 'process.ts'
    'app:proxy': 'network.socks5'
    'app:service': 'process.service'
    'app:threads': 'process.host'
  }
  interface FunctionEntries {
    'app:fetch_ip': (typeof import('./src/fetch_ip.ts'))['handler']
    'app:odd': (typeof import('./src/it\\'s/odd.ts'))['default']
  }
  interface ProcessEntries {
    'app:checked': (typeof import('./src/checked.ts'))['main']
    'app:listed': (typeof import('./src/listed.ts'))['main']
    'app:probe': (typeof import('./src/probe.ts'))['main']
  }
  interface ProcessMessages {
    'app:checked': (typeof import('./src/checked.ts'))['messages']
    'app:listed': import('./src/listed.ts').Messages
  }
  interface ProcessNames {
    'app:service': import('./src/listed.ts').Messages
    [replica: \`app:service/\${number}\`]: import('./src/listed.ts').Messages
  }
}
`

describe('troupe types', () => {
  it('writes ids, types of functions and processes, and messages, and leaves out unknown types', async () => {
    using folder = appFolder(files)
    const { status, out, err } = await folder.troupe('types')
    expect([status, out, err]).toEqual([0, `${relative(process.cwd(), `${folder.path}/entries.d.ts`)}: 5 entries`, ''])
    expect(folder.read('entries.d.ts')).toBe(written)
  })

  it('writes to another folder, with modules named relative to it', async () => {
    using folder = appFolder({ ...files, 'types/.keep': '' })
    const file = join(folder.path, 'types/all.d.ts')
    const { out } = await folder.troupe('types', '--json', '--out', file)
    expect(JSON.parse(out)).toEqual({
      file,
      entries: ['app:checked', 'app:fetch_ip', 'app:listed', 'app:odd', 'app:probe'],
    })
    expect(folder.read('types/all.d.ts')).toContain("import('../src/probe.ts')")
  })

  it('reports problems, and types that it cannot write', async () => {
    using folder = appFolder(files)
    expect(await folder.troupe('types', '-o', 'app:proxy:port=0')).toMatchObject({
      status: 0,
      err: 'a problem: see "troupe check"',
    })
    const file = join(folder.path, 'none/entries.d.ts')
    const { status, err } = await folder.troupe('types', '--out', file)
    expect(err).toContain(`cannot write ${file}`)
    expect(status).toBe(1)
  })
})

const right = `import { funcs, processes } from 'troupe'
export const ip: { ip: string } = await funcs.call('app:fetch_ip', 'https://a', 2)
export const inTime: { ip: string } = await funcs.withOptions({ timeout: 5 }).call('app:fetch_ip', 'https://a')
export const odd: bigint = await funcs.call('app:odd')
export const count: number = await processes.exec('app:probe', 'app:threads', 'a', [1])
export const pid: string = await processes.withName('a').spawn('app:probe', 'app:threads', 'a', [1])
export const other: unknown = await funcs.call('app:plain', 1, 2, 3)
export const named: string = 'app:fetch_ip'
export const atRunTime: unknown = await funcs.call(named, 4)
await processes.withOptions({ network: 'app:proxy' }).exec('app:probe', 'app:threads', 'a', [1])
await funcs.withOptions({ network: null }).withOptions({ network: named }).withOptions({ network: '' }).call('app:odd')
`

const wrong = `import { funcs, processes } from 'troupe'
await funcs.call('app:fetch_ip', 1)
await funcs.call('app:fetch_ip')
await processes.exec('app:probe', 'app:threads', 'a', ['1'])
await processes.spawnMonitored('app:probe', 'app:threads', 'a', [1], 2)
export const ip: number = await funcs.call('app:fetch_ip', 'a')
export const count: string = await processes.exec('app:probe', 'app:threads', 'a', [])
export const none: number = await funcs.call('app:plain')
await funcs.call('app:fetch_ipp', 'a')
await processes.spawn('app:probe', 'app:thread', 'a', [1])
await funcs.withOptions({ network: 'app:prox' }).call('app:odd')
await processes.withOptions({ network: 'app:threads', timeout: 5 }).spawn('app:listed', 'app:threads')
`

describe('entries.d.ts', () => {
  it('lets the compiler check arguments and results of the ids that it knows', { timeout: 60_000 }, async () => {
    // Inside the repository, so that the compiler finds `troupe`.
    const cache = join(import.meta.dirname, '../../../../.cache')
    mkdirSync(cache, { recursive: true })
    const root = mkdtempSync(join(cache, 'types-'))
    try {
      const config = {
        extends: '../../tsconfig.base.json',
        compilerOptions: { noEmit: true, composite: false, incremental: false },
      }
      const all = { ...files, 'src/right.ts': right, 'src/wrong.ts': wrong, 'tsconfig.json': JSON.stringify(config) }
      for (const [name, text] of Object.entries(all)) {
        mkdirSync(dirname(join(root, name)), { recursive: true })
        writeFileSync(join(root, name), text)
      }
      expect((await troupe('--root', root, 'types')).status).toBe(0)
      const places = (await compile(root)).map((line) =>
        /^src\/(.+)\((\d+),\d+\): error (TS\d+)/.exec(line)?.slice(1).join(' '),
      )
      expect(places).toEqual([
        'wrong.ts 2 TS2345',
        'wrong.ts 3 TS2554',
        'wrong.ts 4 TS2322',
        'wrong.ts 5 TS2554',
        'wrong.ts 6 TS2322',
        'wrong.ts 7 TS2322',
        'wrong.ts 8 TS2322',
        'wrong.ts 9 TS2345',
        'wrong.ts 10 TS2345',
        'wrong.ts 11 TS2322',
        'wrong.ts 12 TS2322',
      ])
    } finally {
      rmSync(root, { recursive: true })
    }
  })
})

/** The compiler's messages about the application's own files. */
async function compile(root: string): Promise<readonly string[]> {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(manifest), 'bin/tsc')
  const said = await promisify(execFile)(process.execPath, [tsc, '-p', root, '--pretty', 'false'], { cwd: root }).catch(
    (error: unknown) => error,
  )
  const out = typeof said === 'object' && said !== null && 'stdout' in said ? String(said.stdout) : ''
  return out.split('\n').filter((line) => line.startsWith('src/'))
}
