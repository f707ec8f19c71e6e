/** The files of a new application. */
import { version } from '../version.ts'

/** Text by file name. @param name - The folder's name. */
export function initTemplate(name: string): Readonly<Record<string, string>> {
  return {
    '.troupe.yaml': config,
    'src/_index.yaml': entries,
    'src/hello.ts': processModule,
    'src/greet.ts': functionModule,
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
      include: ['src', 'entries.d.ts'],
    }),
    'package.json': json({
      name: packageName(name),
      version: '0.0.0',
      private: true,
      type: 'module',
      engines: { node: '>=24' },
      scripts: { start: 'troupe run', check: 'troupe check && troupe types && tsc' },
      dependencies: { '@troupe/cli': version, troupe: version },
      devDependencies: { '@types/node': '^26.6.6', typescript: '^7.0.2' },
    }),
  }
}

const config = `# Omitted settings have their defaults.
log:
  level: info
# network_service:
#   default_network: app:proxy   # the overlay of code that chooses none
`

const entries = `version: "1.0"
namespace: app
entries:
  # A process: an actor with a mailbox, in its own thread. "troupe run hello" runs this one.
  - name: hello
    kind: process.ts
    source: file://hello.ts
    method: main
    meta:
      command: { name: hello, short: Greets somebody }

  # A function: called, never addressed; it runs on a pool of threads.
  - name: greet
    kind: function.ts
    source: file://greet.ts
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

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

function packageName(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+|-+$/g, '')
  return name === '' ? 'app' : name
}
