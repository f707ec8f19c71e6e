/** What the commands on the pages take for granted: an application, a proxy, and what differs from run to run. */

/** Where the commands of a page, or of a part of it, are run. */
export interface Setting {
  /** Files that are there before the first command; those of the page itself are written as they come. */
  readonly files?: Readonly<Record<string, string>>
  /** The application in these files runs meanwhile. @default false */
  readonly runs?: boolean
  /** Commands write to a terminal, both their output and their errors. @default false */
  readonly terminal?: boolean
  /** Texts of the page, and what stands for them here. @default none */
  readonly replace?: readonly (readonly [string | RegExp, string])[]
  /** Parts of the output that differ from run to run. @default none */
  readonly varies?: readonly RegExp[]
}

/** What the machine of the test provides. */
export interface Machine {
  /** The port of a SOCKS5 proxy on loopback. */
  readonly proxy: number
  /** The port of a web site. */
  readonly site: number
  /** A port that is free. */
  readonly free: number
  /** The folder that all applications of a page are in. */
  readonly folder: string
}

const manifest = { 'package.json': '{ "type": "module", "scripts": { "test": "node test.js" } }' }
const head = 'version: "1.0"\nnamespace: app\nentries:\n'
const threads = '  - { name: threads, kind: process.host, lifecycle: { auto_start: true } }\n'
const pid = /<\d+\.\d+>/g

/** Each problem of `troupe check` that its page shows, in its place. */
const faulty = {
  'src/_index.yaml': `${head}  - name: threads
    kind: process.host
    host: { spares: few }

  - name: proxy
    kind: network.socks5
    host: 127.0.0.1
    port: 70000
  - name: probe
    kind: process.ts
    source: file://probe.ts
    method: mian
  - name: watcher
    kind: process.service
    process: probe
    host: threads
    lifecyle: { auto_start: true }
`,
  'src/probe.ts': `import { look } from './helper'\n\nexport function main() {\n  look()\n}\n`,
}

/** One service sends messages, and another one asks for what is denied, until they are stopped. */
const busy = {
  'src/_index.yaml': `${head}${threads}  - { name: sends, kind: process.ts, source: "file://busy.ts", method: sends }
  - { name: sender, kind: process.service, process: sends, host: threads, lifecycle: { auto_start: true } }
  - { name: asks, kind: process.ts, source: "file://busy.ts", method: asks }
  - name: asker
    kind: process.service
    process: asks
    host: threads
    lifecycle: { auto_start: true, security: { actor: { id: ann }, groups: [readers] } }
  - { name: reads, kind: security.policy, actions: document.read, resources: '*', effect: allow, groups: [readers] }
`,
  'src/busy.ts': `import { setTimeout as sleep } from 'node:timers/promises'
import { processes, security, self } from 'troupe'

export async function sends() {
  for (; !self.signal.aborted; await sleep(50)) {
    await processes.send(self.pid, 'tick')
    await self.receive('tick')
  }
}

export async function asks() {
  for (; !self.signal.aborted; await sleep(50)) await security.can('document.write', 'd1')
}
`,
}

const fetches = (url: string) => `const response = await fetch('${url}')\nawait response.text()\n`

/**
 * The settings of pages, keyed by page, or by page and heading: `docs/cli.md#Check`. Parts without a setting of their
 * own are run one after the other in that of their page.
 */
export function settingsOf({ proxy, site, free, folder }: Machine): Readonly<Record<string, Setting>> {
  const url = `http://site.test:${site}/`
  const programs = {
    ...manifest,
    'app.js': fetches(url),
    'test.js': fetches(url),
    'server.ts': `${fetches(url)}console.log('listening on 1')\nsetInterval(() => undefined, 1000)\n`,
    'src/_index.yaml': `version: "1.0"
namespace: app.net
entries:
  - { name: proxy, kind: network.socks5, host: 127.0.0.1, port: ${proxy} }
`,
  }
  const overlays: Setting['replace'] = [
    ['--network tor', `--network socks5://127.0.0.1:${proxy}`],
    ['127.0.0.1:1080', `127.0.0.1:${proxy}`],
  ]
  return {
    'README.md': {
      files: programs,
      replace: [
        ['npm create troupe@latest', 'create-troupe'],
        ...overlays,
        ['https://example.org/', url],
        ['https://example.com/', `${url}a`],
      ],
    },
    'docs/cli.md': {
      replace: [
        ['npm create troupe@latest', 'create-troupe'],
        ['/home/ada', folder],
      ],
      varies: [pid],
    },
    'docs/cli.md#Check': { files: faulty },
    'docs/cluster.md': { files: { ...manifest, 'src/_index.yaml': `${head}  []\n` } },
    'docs/dashboard.md': { files: busy, runs: true, replace: [['9465', '0']], varies: [/:0\//g] },
    'docs/doctor.md': {
      files: {
        'src/_index.yaml': `${head}  - name: proxy
    kind: network.socks5
    host: 127.0.0.1
    port: 1
  - name: web
    kind: http.service
    addr: 127.0.0.1:${free}
    lifecycle: { auto_start: true }
`,
        // Others may enter its folder.
        '.troupe/net/state': '',
      },
      terminal: true,
      replace: [
        ['port 8080', `port ${free}`],
        ['/tmp/shop', folder],
      ],
      varies: [/(?<=Node )\S+/g, /(?<=shows )[\d-]+T\S+(?=;)/g, /\d+(?= (?:open files|MiB))/g, /(?<=container: ).*/g],
    },
    'docs/exec.md': { files: programs, replace: overlays, varies: [] },
    'docs/exec.md#Options': {
      files: {
        ...programs,
        'test.js': `${fetches(url)}await fetch('http://nowhere.invalid/').catch(() => undefined)\n`,
      },
      terminal: true,
      replace: [...overlays, ['127.0.0.1:18081', `site.test:${site}`]],
    },
    'docs/observability.md': {
      files: busy,
      runs: true,
      replace: [[/--for 10s/g, '--for 500ms']],
      varies: [/"time":\d+/g],
    },
    'docs/security.md': { files: manifest, runs: true, varies: [/process \d+/g] },
    'docs/supervision.md': { files: manifest, varies: [pid] },
  }
}

/** Pages that another file follows as a whole. */
export const followed: Readonly<Record<string, string>> = {
  'docs/first-hour.md': 'scripts/first-hour.ts',
  'docs/how-to/i2p-site.md': 'scripts/how-to.peers.test.ts',
  'docs/how-to/next-and-nest.md': 'scripts/framework-pages.ts',
  'docs/how-to/onion-service.md': 'scripts/how-to.test.ts',
  'docs/how-to/plugins.md': 'scripts/how-to.peers.test.ts',
  'docs/how-to/queue.md': 'scripts/how-to.test.ts',
  'docs/how-to/schedule.md': 'scripts/how-to.test.ts',
  'docs/how-to/tailnet-service.md': 'scripts/how-to.peers.test.ts',
  'docs/how-to/tenants.md': 'scripts/how-to.test.ts',
  'docs/how-to/tests.md': 'scripts/how-to.test.ts',
  'docs/how-to/three-machines.md': 'scripts/three-machines.peers.test.ts',
  'docs/how-to/worker-pool.md': 'scripts/how-to.test.ts',
  'docs/tour.md': 'test/examples/tour.test.ts',
  'docs/tutorial.md': 'scripts/tutorial-pages.ts',
}

/** Commands that no test runs as they stand, and why. */
export const notRun: readonly { readonly page: string; readonly commands: RegExp; readonly reason: string }[] = [
  { page: 'README.md', commands: /^npm ci && /, reason: 'CI begins with them, on a clean checkout' },
  { page: 'CONTRIBUTING.md', commands: /^npm (?:ci|start)$/, reason: 'CI begins with them, on a clean checkout' },
  { page: 'docs/doctor.md', commands: /\| jq /, reason: 'needs jq; tests of "troupe doctor" compare its JSON' },
  { page: 'docs/how-to/docker.md', commands: /^docker /, reason: 'needs Docker; "npm run test:image" runs the image' },
  { page: 'docs/how-to/kubernetes.md', commands: /^kubectl /, reason: 'needs a cluster' },
  { page: 'docs/how-to/systemd.md', commands: /./, reason: 'needs systemd as the first process of the machine' },
  { page: 'docs/ways-out.md', commands: /^npx vitest /, reason: 'a test of this repository, which writes the page' },
  { page: 'packages/nats/README.md', commands: /^npx troupe-nats /, reason: 'builds for minutes, as the tests do' },
  { page: 'packages/tsnet/README.md', commands: /^npx troupe-tsnet /, reason: 'builds for minutes, as the tests do' },
]
