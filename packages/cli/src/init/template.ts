/** The files of a new application, or of one that is added to a project. */

/** Where the parts of an application go. */
export interface Layout {
  /** Folder of the entries and modules. */
  readonly source: string
  /** Folder of the tests. */
  readonly test: string
  /** `.ts`; `.mts` in a project whose `.ts` files are CommonJS. */
  readonly extension: '.ts' | '.mts'
}

/** Returns texts by file name, without `package.json`. */
export function templateFiles({ source, test, extension }: Layout): Readonly<Record<string, string>> {
  return {
    '.troupe.yaml': config,
    [`${source}/_index.yaml`]: entriesOf(extension, '../'.repeat(source.split('/').length)),
    [`${source}/hello${extension}`]: processModule,
    [`${source}/greet${extension}`]: functionModule,
    [`${test}/hello.test${extension}`]: testModule,
    'tsconfig.json': json({
      compilerOptions: {
        target: 'esnext',
        module: 'nodenext',
        types: ['node'],
        strict: true,
        noEmit: true,
        erasableSyntaxOnly: true,
        verbatimModuleSyntax: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
      },
      include: ['src', 'test', 'entries.d.ts'],
    }),
    '.gitignore': 'node_modules\n.troupe\n',
  }
}

/** The parts of `package.json` that an application needs; `troupe` is the specifier of that package. */
export function templateManifest(troupe: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return {
    scripts: { start: 'troupe run hello', test: 'node --test', check: 'troupe check && troupe types && tsc' },
    dependencies: { troupe },
    devDependencies: { '@types/node': '^26.6.6', typescript: '^7.0.2' },
  }
}

const config = `# yaml-language-server: $schema=.troupe/config.schema.json
# Omitted settings have their defaults.
log:
  level: info
# network_service:
#   default_network: app:proxy   # the overlay of code that chooses none
`

const entriesOf = (extension: string, root: string) => `# "troupe types" writes this schema.
# yaml-language-server: $schema=${root}.troupe/entries.schema.json
version: "1.0"
namespace: app
entries:
  # A process: an actor with a mailbox, in its own thread. "troupe run hello" runs this one.
  - name: hello
    kind: process.ts
    source: file://hello${extension}
    method: main
    meta:
      command: { name: hello, short: Greets a user }

  # A function: called, never addressed; it runs on a pool of threads.
  - name: greet
    kind: function.ts
    source: file://greet${extension}
    method: handler

  # An overlay. Code that is spawned or called with "network: app:proxy" uses the network through it, or not at all.
  # - name: proxy
  #   kind: network.socks5
  #   host: 127.0.0.1
  #   port: 1080
`

const processModule = `import { funcs, self } from 'troupe'

export async function main(name = 'world'): Promise<void> {
  const greeting = await funcs.call('app:greet', name)
  console.log(\`\${String(greeting)} I am process \${self.pid}.\`)
}
`

const functionModule = `export function handler(name: string): string {
  return \`Hello, \${name}!\`
}
`

const testModule = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { funcs } from 'troupe'
import { startApp } from 'troupe/test'

test('the function greets', async () => {
  await using app = await startApp()
  await using probe = await app.probe()
  assert.equal(await probe.run(async () => funcs.call('app:greet', 'Ada')), 'Hello, Ada!')
})
`

/** A file of JSON. */
export function json(value: unknown, indent: number | string = 2): string {
  return `${JSON.stringify(value, undefined, indent)}\n`
}
