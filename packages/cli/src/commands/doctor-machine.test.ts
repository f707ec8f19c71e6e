import { describe, expect, it } from 'vitest'
import { appFolder, troupe } from '../testing/app-folder.ts'
import { examined, faults, type MachineChange } from '../testing/machine.ts'
import { containing, matching } from '../testing/matchers.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

/** A host with 8 threads, a pool with 9, and processes of their own. */
const entries = `namespace: app
entries:
  - { name: many, kind: process.host, host: { isolation: shared, workers: 8 } }
  - { name: sum, kind: function.ts, source: file://sum.ts, pool: { max: 9 } }
`
const isolated = `namespace: app
entries:
  - name: alone
    kind: process.host
    host: { isolation: process, limits: { cpus: 0.5 } }
  - name: sealed
    kind: process.host
    host: { isolation: process, sealed: { require: namespaces } }
`
const app = (index = entries) =>
  appFolder({ 'src/_index.yaml': index, 'src/sum.ts': 'export const handler = () => 1\n' })

const cgroup = '/sys/fs/cgroup'

/** What is wrong with the machine, and what the doctor says about it. */
const planted: readonly (readonly [string, MachineChange, object])[] = [
  [
    'an old Node',
    { nodeVersion: '22.4.0' },
    { severity: 'error', check: 'node', message: containing('22.4.0 is too old'), remedy: containing('newer Node') },
  ],
  [
    'a debugger for other machines',
    { nodeOptions: ['--inspect=0.0.0.0:9229'] },
    { severity: 'error', check: 'node', where: containing('--inspect'), remedy: containing('127.0.0.1') },
  ],
  [
    'a debugger for this machine',
    { env: { NODE_OPTIONS: '--enable-source-maps --inspect' } },
    { severity: 'warning', check: 'node', where: 'the variable NODE_OPTIONS: --inspect' },
  ],
  [
    'certificates that are not checked',
    { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
    { severity: 'error', check: 'node', remedy: containing('unset NODE_TLS_REJECT_UNAUTHORIZED') },
  ],
  [
    'authorities that cannot be read',
    { env: { NODE_EXTRA_CA_CERTS: '/nowhere/ca.pem' } },
    { severity: 'error', check: 'node', message: containing('/nowhere/ca.pem'), where: containing('EXTRA_CA') },
  ],
  [
    'no TypeScript',
    { nodeOptions: ['--no-strip-types'] },
    { severity: 'error', check: 'node', message: containing('no TypeScript'), remedy: 'remove the option' },
  ],
  [
    'few open files',
    { files: { '/proc/self/limits': 'Max open files  256  512  files\n' } },
    { severity: 'error', check: 'ulimit', message: containing('512 files'), remedy: containing('ulimit -n 65536') },
  ],
  [
    'few watched files',
    { files: { '/proc/sys/fs/inotify/max_user_watches': '100\n' } },
    {
      severity: 'warning',
      check: 'limits',
      where: 'fs.inotify.max_user_watches',
      remedy: 'sysctl fs.inotify.max_user_watches=524288',
    },
  ],
  [
    'little entropy',
    { files: { '/proc/sys/kernel/random/entropy_avail': '12\n' } },
    { severity: 'warning', check: 'limits', message: containing('12 bits'), remedy: containing('rng-tools') },
  ],
  [
    'a long path of temporary files',
    { tmpdir: `/tmp/${'x'.repeat(100)}` },
    { severity: 'error', check: 'limits', where: containing('TMPDIR'), remedy: 'export TMPDIR=/tmp' },
  ],
  [
    'little memory',
    { memoryLimit: 256 * 2 ** 20 },
    {
      severity: 'warning',
      check: 'container',
      message: matching(/256 MiB.*17 threads/),
      remedy: matching(/pool\.max of app:sum/),
    },
  ],
  [
    'few tasks',
    { files: { [`${cgroup}/app/pids.max`]: '20\n' } },
    { severity: 'error', check: 'container', message: containing('20 tasks'), remedy: containing('--pids-limit=') },
  ],
  [
    'a share of one processor, of the cgroup above',
    { files: { [`${cgroup}/app/cpu.max`]: 'max 100000\n', [`${cgroup}/cpu.max`]: '50000 100000\n' } },
    {
      severity: 'warning',
      check: 'container',
      message: containing('0.5 processors'),
      where: matching(/_index\.yaml:3:\d+: app:many$/),
      remedy: 'set host.workers of app:many to 1',
    },
  ],
  [
    'a clock that was set back',
    { now: () => Date.now() - 3_600_000 },
    { severity: 'warning', check: 'clock', where: containing('_index.yaml'), remedy: containing('set-ntp true') },
  ],
  [
    'a clock of long ago',
    { now: () => 0 },
    { severity: 'error', check: 'clock', message: containing('1970-01-01'), remedy: 'timedatectl set-ntp true' },
  ],
  [
    'names that are looked up in the clear',
    { env: { ALL_PROXY: 'socks5://me:my-secret@127.0.0.1:1080' } },
    { severity: 'warning', check: 'leaks', where: 'the variable ALL_PROXY', remedy: containing('socks5h://') },
  ],
]

describe('the machine', () => {
  it('without faults has no findings', async () => {
    using folder = app()
    const report = await examined(folder)
    expect(faults(report)).toEqual([])
    expect(report).toMatchObject({ exit: 0, status: 'ok' })
  })

  it.each(planted)('with %s has a finding with its remedy', async (_, change, finding) => {
    using folder = app()
    const report = await examined(folder, change)
    expect(report.findings).toContainEqual(expect.objectContaining(finding))
    const isError = report.findings.some(({ severity }) => severity === 'error')
    expect([report.exit, report.status]).toEqual(isError ? [1, 'error'] : [0, 'warning'])
    expect(report.text).not.toContain('my-secret')
  })
})

when(canSeal)('isolation: process', () => {
  it('needs user namespaces and a cgroup', async () => {
    using folder = app(isolated)
    const files = { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' }
    const { findings } = await examined(folder, { files })
    expect(findings).toContainEqual({
      severity: 'error',
      check: 'namespaces',
      message: containing('apparmor_restrict_unprivileged_userns is 1'),
      where: matching(/app:sealed$/),
      remedy: 'sysctl kernel.apparmor_restrict_unprivileged_userns=0',
    })
    expect(findings).toContainEqual(
      expect.objectContaining({
        check: 'namespaces',
        message: containing('limits.cpus'),
        where: matching(/app:alone$/),
      }),
    )
  })

  it('is tried, because a setting does not show what a container forbids', async () => {
    using folder = app(isolated)
    const { findings } = await examined(folder, { noUserNamespaces: async () => 'unshare failed' })
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'error', check: 'namespaces', message: containing('(unshare failed)') }),
    )
  })
})

describe('names and logins that leave in the clear', () => {
  it('are warnings', async () => {
    using folder = app(
      'namespace: app\nentries:\n' +
        '  - { name: far, kind: network.socks5, host: proxy.invalid, port: 9, username: me, password: it }\n' +
        '  - { name: values, kind: env.storage.static, values: { PROXY: "socks5://me:pass-word@127.0.0.1:1" } }\n' +
        '  - { name: PROXY, kind: env.variable, storage: values }',
    )
    const { findings, text } = await examined(folder)
    const leaks = findings.filter(({ check }) => check === 'leaks')
    expect(leaks.map(({ severity, remedy }) => [severity, remedy])).toEqual([
      ['warning', containing('set host to the address of the proxy')],
      ['warning', containing('ssh -NL')],
      ['warning', containing('socks5h://')],
    ])
    expect(text).not.toContain('pass-word')
  })
})

describe('troupe doctor', () => {
  it('prints text to people, and one JSON document to programs', async () => {
    using folder = app()
    const { out, err } = await folder.troupe('doctor')
    expect(out).toMatch(/^ok +node: Node \d+\./m)
    expect(err).toMatch(/^\d+ errors?, \d+ warnings?, \d+ ok$/)
    const { out: json, err: nothing } = await folder.troupe('doctor', '--json')
    expect(JSON.parse(json)).toHaveProperty('counts.ok')
    expect(nothing).toBe('')
  })

  it('takes no operand', async () => {
    expect(await troupe('doctor', 'all')).toMatchObject({ status: 2, err: containing('takes no "all"') })
  })
})
