import { execFileSync } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AppFolder, appFolder } from '../testing/app-folder.ts'
import { examined, faults } from '../testing/machine.ts'
import { containing, matching } from '../testing/matchers.ts'
import { scriptedServer } from '../testing/scripted-server.ts'

const app = (entries: string, files: Readonly<Record<string, string>> = {}) =>
  appFolder({ 'src/_index.yaml': `namespace: app\nentries:\n${entries}\n`, ...files })

/** A state as a running application leaves it. */
function keepState({ path }: AppFolder, name = 'i2p/site'): string {
  const file = join(path, '.troupe/net', name)
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 })
  writeFileSync(file, 'a-secret-key', { mode: 0o600 })
  return file
}

function withCertificate(folder: AppFolder, days: number): void {
  const [key, out] = [join(folder.path, 'web.key'), join(folder.path, 'web.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const args = ['req', '-x509', ...curve, '-keyout', key, '-days', String(days), '-subj', '/CN=web', '-out', out]
  execFileSync('openssl', args, { stdio: 'ignore' })
  chmodSync(key, 0o600)
}

const secure =
  '  - { name: web, kind: http.service, addr: "127.0.0.1:0", tls: { cert: file://../web.pem, key: file://../web.key } }'
const socks = (port: number, more = '') =>
  `  - { name: proxy, kind: network.socks5, host: 127.0.0.1, port: ${port}${more} }`

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('a healthy application', () => {
  it('has no findings, is not changed, and is the only one to name where the doctor connects', async () => {
    await using proxy = await scriptedServer([5, 2], [1, 0])
    await using target = await scriptedServer()
    const login = ', username: me, password: "${env:DOCTOR_PASSWORD}"'
    using folder = app(`${socks(proxy.port, login)}\n${secure}`)
    vi.stubEnv('DOCTOR_PASSWORD', 'correct-horse')
    vi.stubEnv('ALL_PROXY', `socks5h://127.0.0.1:${target.port}`)
    withCertificate(folder, 90)
    keepState(folder)
    const before = snapshot(folder.path)
    const opened: unknown[] = []
    const note = (message: unknown) => opened.push(message)
    subscribe('net.client.socket', note)
    const report = await examined(folder)
    unsubscribe('net.client.socket', note)
    expect(faults(report)).toEqual([])
    expect(report).toMatchObject({ exit: 0, status: 'ok', counts: { error: 0, warning: 0 } })
    expect(snapshot(folder.path)).toEqual(before)
    expect([proxy.connections(), target.connections()]).toEqual([1, 0])
    expect(report.text).not.toContain('correct-horse')
    expect(opened).toHaveLength(1)
  })
})

/** Names, sizes, permissions and times of everything in a folder. */
function snapshot(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.includes('node_modules'),
  )
  return ['', ...names].map((name) => {
    const { mode, size, mtimeMs } = statSync(join(folder, name))
    return `${name} ${mode} ${size} ${mtimeMs}`
  })
}

describe('overlays', () => {
  it('that cannot be reached are errors', async () => {
    const proxy = await scriptedServer()
    await proxy[Symbol.asyncDispose]()
    using folder = app(
      `${socks(proxy.port)}\n  - { name: i2p, kind: network.i2p, host: 127.0.0.1, port: ${proxy.port} }`,
    )
    const { findings, exit } = await examined(folder)
    expect(exit).toBe(1)
    for (const id of ['app:proxy', 'app:i2p'])
      expect(findings).toContainEqual({
        severity: 'error',
        check: 'overlays',
        message: containing('ECONNREFUSED'),
        where: matching(new RegExp(`_index.yaml:\\d+:5: ${id}$`)),
        remedy: containing('correct host and port of the entry'),
      })
  })

  it('whose login is wrong are errors that do not show it', async () => {
    await using proxy = await scriptedServer([5, 2], [1, 1])
    using folder = app(socks(proxy.port, ', username: me, password: wrong-horse'))
    const { findings, text } = await examined(folder)
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: 'error',
        check: 'overlays',
        message: containing('refused the username and password'),
        remedy: 'correct username and password of the entry',
      }),
    )
    expect(text).not.toContain('wrong-horse')
  })

  it('that hang do not hold up the other checks', async () => {
    await using silent = await scriptedServer()
    const hangs = Array.from({ length: 5 }, (_, index) =>
      socks(silent.port, ', first_byte_timeout: 300ms').replace('name: proxy', `name: proxy${index}`),
    )
    using folder = app(hangs.join('\n'))
    const report = await examined(folder)
    expect(faults(report)).toHaveLength(5)
    for (const { check, message } of faults(report))
      expect([check, message]).toEqual(['overlays', containing('first_byte')])
    expect(report.counts['ok']).toBeGreaterThan(5)
  })

  it('behind another overlay are probed through it, if both are proxies', async () => {
    await using hop = await scriptedServer([5, 0], [5, 0, 0, 1, 127, 0, 0, 1, 0, 80], [5, 0])
    using folder = app(
      `${socks(hop.port)}\n` +
        '  - { name: far, kind: network.socks5, host: far.example, port: 9, via: proxy }\n' +
        '  - { name: garlic, kind: network.i2p, host: 127.0.0.1, port: 1 }\n' +
        '  - { name: in_i2p, kind: network.socks5, host: a.i2p, port: 9, via: garlic }',
    )
    const { findings } = await examined(folder)
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'ok', message: 'the proxy works', where: matching(/app:far$/) }),
    )
    expect(findings).toContainEqual(
      expect.objectContaining({
        severity: 'ok',
        message: containing('through app:garlic'),
        where: matching(/app:in_i2p$/),
      }),
    )
  })

  it('of Tailscale need the sidecar, a login, and a server with the same time', async () => {
    vi.stubEnv('TROUPE_TSNET', '/nowhere/troupe-tsnet')
    const date = 'Tue, 01 Jan 2030 00:00:00 GMT'
    await using server = await scriptedServer(`HTTP/1.1 200 OK\r\nDate: ${date}\r\nContent-Length: 0\r\n\r\n`)
    using folder = app(`  - { name: tail, kind: network.tailscale, control_url: "http://127.0.0.1:${server.port}" }`)
    const { findings } = await examined(folder, { now: () => Date.parse(date) - 1_000_000 })
    const about = (check: string, severity: string, more: object) =>
      expect(findings).toContainEqual(expect.objectContaining({ check, severity, ...more }))
    about('overlays', 'error', { message: containing('/nowhere/troupe-tsnet'), remedy: 'npx troupe-tsnet build' })
    about('overlays', 'warning', { message: containing('the login'), remedy: containing('auth_key_env') })
    about('overlays', 'ok', { message: 'the coordination server works' })
    about('clock', 'error', { message: containing('1000 s behind the coordination server of app:tail') })
  })

  it('that a running application uses are reported as it sees them', async () => {
    await using proxy = await scriptedServer([5, 0])
    using folder = app(socks(proxy.port))
    const report = { 'app:proxy': { state: 'down', since: 1, reason: 'it went away' } }
    writeFileSync(keepState(folder, `running/${process.pid}.json`), JSON.stringify(report))
    const { findings } = await examined(folder)
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'error', message: 'the running application reports: down: it went away' }),
    )
    expect(findings).toContainEqual(expect.objectContaining({ severity: 'ok', message: 'the proxy works' }))
  })
})

describe('private files', () => {
  it('that are open to others are errors', async () => {
    using folder = app(secure)
    withCertificate(folder, 90)
    const key = keepState(folder)
    chmodSync(key, 0o644)
    chmodSync(join(key, '..'), 0o755)
    chmodSync(join(folder.path, 'web.key'), 0o640)
    symlinkSync('/etc/passwd', join(key, '../link'))
    const report = await examined(folder)
    expect(
      faults(report)
        .map(({ check, remedy }) => `${check}: ${remedy}`)
        .toSorted(),
    ).toEqual(
      [`600 ${key}`, `600 ${folder.path}/web.key`, `700 ${join(key, '..')}`].map((what) => `files: chmod ${what}`),
    )
    expect(report.text).not.toContain('a-secret-key')
  })

  it('of another user, and folders that cannot be read, are errors', async () => {
    using folder = app(socks(9))
    keepState(folder)
    expect(await examined(folder, { uid: 4711 })).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ check: 'files', severity: 'error', remedy: containing('chown 4711') }),
      ]) as unknown,
    })
    const locked = join(folder.path, '.troupe/net')
    chmodSync(folder.path, 0o755)
    chmodSync(locked, 0)
    using _other = asOtherUser()
    const { findings, exit } = await examined(folder)
    expect(findings).toContainEqual(
      expect.objectContaining({ severity: 'error', check: 'files', message: 'it cannot be read (EACCES)' }),
    )
    expect(exit).toBe(1)
  })
})

/** Permissions do not hold root back: acts as another user, until it is disposed of. */
function asOtherUser(): Disposable {
  if (process.getuid?.() === 0) process.seteuid?.(65_534)
  return {
    [Symbol.dispose]: () => {
      if (process.getuid?.() === 0) process.seteuid?.(0)
    },
  }
}

describe('ports', () => {
  const service = (addr: string, name = 'web') => `  - { name: ${name}, kind: http.service, addr: "${addr}" }`

  it('in use, privileged, used twice, or of another machine, are errors', async () => {
    await using other = await scriptedServer()
    const { port } = other
    using folder = app(
      [
        service(`127.0.0.1:${port}`),
        service(':80', 'low'),
        service('[::1]:80', 'again'),
        service('192.0.2.8:9000', 'far'),
      ].join('\n'),
    )
    const hex = port.toString(16).toUpperCase().padStart(4, '0')
    const line = `   0: 0100007F:${hex} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1`
    const report = await examined(folder, { uid: 1000, files: { '/proc/net/tcp': `  sl  local_address\n${line}\n` } })
    const about = (id: string, message: unknown, remedy: unknown) =>
      expect(report.findings).toContainEqual({
        severity: 'error',
        check: 'ports',
        message,
        where: matching(new RegExp(`: app:${id}$`)),
        remedy,
      })
    about('web', `port ${port} is in use, by another program`, `ss -ltnp sport = :${port}`)
    about('low', containing('privileged'), containing('ip_unprivileged_port_start=80'))
    about('low', containing('app:again listens on port 80 too'), containing('another port'))
    about('far', '192.0.2.8 is not an address of this machine', containing('192.0.2.7'))
  })

  it('of the machine are found without opening a socket', async () => {
    await using other = await scriptedServer()
    using folder = app(service(`127.0.0.1:${other.port}`))
    const { status, out } = await folder.troupe('doctor', '--json')
    expect(status).toBe(1)
    expect(out).toContain(`port ${other.port} is in use, by the process ${process.pid} (`)
    expect(out).toContain(`stop the process ${process.pid}, or set addr to another port`)
    expect(other.connections()).toBe(0)
  })
})

describe('certificates', () => {
  it('that have expired are errors; those that soon will are warnings', async () => {
    using folder = app(secure)
    withCertificate(folder, 10)
    expect(faults(await examined(folder))).toEqual([
      {
        severity: 'warning',
        check: 'certificates',
        message: matching(/^tls\.cert: the certificate of CN=web expires on /),
        where: matching(/_index\.yaml:3:\d+: app:web$/),
        remedy: containing('renew the certificate'),
      },
    ])
    const later = { now: () => Date.now() + 11 * 24 * 60 * 60 * 1000 }
    expect(faults(await examined(folder, later))).toEqual([
      expect.objectContaining({ severity: 'error', check: 'certificates', message: containing('expired on') }),
    ])
  })
})

describe('an application with problems', () => {
  it.each([
    ['src/_index.yaml', 'namespace: app\nentries: [', '_index.yaml:2:'],
    ['.troupe.yaml', 'log: { level: [', '.troupe.yaml:1:'],
    ['.troupe.yaml', 'log: { level: loud }\n', '.troupe.yaml:1:'],
    ['src/more.yaml', 'namespace: app\nentries:\n  - { name: a, kind: network.socks5, host: h, port: 0 }\n', 'app:a'],
  ])('in %s (%s) is an error with its place; the machine is examined nevertheless', async (file, text, place) => {
    using folder = appFolder({ 'src/_index.yaml': 'namespace: app\nentries: []\n', [file]: text })
    const report = await examined(folder)
    expect(report.findings).toContainEqual(
      expect.objectContaining({ check: 'configuration', severity: 'error', where: containing(place) }),
    )
    expect(report.findings).toContainEqual(expect.objectContaining({ check: 'node', severity: 'ok' }))
    // An entry with problems is not probed: its problems are reported once.
    expect(faults(report)).toHaveLength(1)
    expect(report.exit).toBe(1)
  })

  it('whose configuration is a pipe that nothing writes is an error', async () => {
    using folder = app('  []')
    execFileSync('mkfifo', [join(folder.path, '.troupe.yaml')])
    expect(faults(await examined(folder))).toEqual([
      expect.objectContaining({ check: 'configuration', message: containing('.troupe.yaml is a pipe') }),
    ])
  })

  it('that is not there is an error', async () => {
    const report = await examined({ path: '/nowhere/at-all' })
    expect(faults(report)).toEqual([expect.objectContaining({ check: 'configuration', severity: 'error' })])
  })
})
