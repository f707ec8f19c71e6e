import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { denied, TroupeError } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { describeFailure } from './failure.ts'
import { pointerTo } from './pointer.ts'
import { appFolder, troupe } from './testing/app-folder.ts'
import { containing, matching } from './testing/matchers.ts'

const app = () =>
  appFolder({
    'src/_index.yaml': `namespace: app
entries:
  - name: proxy
    kind: network.socks5
    host: 127.0.0.1
    port: 1080
    username: me
    password: "\${env:SECRET|none}"
  - name: go
    kind: process.ts
    source: file://go.ts
    meta: { command: { name: go } }
`,
    'src/go.ts': 'export const main = () => {}\n',
  })

describe('troupe', () => {
  it('prints its help and its version', async () => {
    expect(await troupe()).toMatchObject({ status: 0, out: containing('run [command] [args]') })
    expect(await troupe('run', '--help')).toMatchObject({ status: 0, out: containing('--exec ns:name') })
    expect(await troupe('--version')).toMatchObject({ status: 0, out: matching(/^\d+\.\d+\.\d+$/) })
  })

  it('ends a wrong command line with status 2 and a hint', async () => {
    expect(await troupe('chek')).toEqual({
      status: 2,
      out: '',
      err: 'troupe: there is no command "chek"; did you mean "check"?\n"troupe --help" lists the commands.',
    })
  })

  it.each([
    [['gp'], 'the application has no command "gp"; did you mean "go"?'],
    [['other'], 'the application has no command "other"; there are: go'],
    [['--exec', 'app:goo'], 'there is no entry app:goo; did you mean "app:go"?'],
    [['--exec', 'go'], '"go" is not the id of an entry: expected "namespace:name"'],
    [['--exec', 'app:proxy'], 'app:proxy is a network.socks5: only a process.ts can be run'],
  ])('starts nothing for "run %s"', async (words, message) => {
    using folder = app()
    const { status, err } = await folder.troupe('run', ...words)
    expect(err).toContain(message)
    expect(status).toBe(2)
  })

  it.each(['.troupe.yaml', 'src/go.ts'])('does not wait for a pipe at %s', async (name) => {
    using folder = app()
    rmSync(join(folder.path, name), { force: true })
    execFileSync('mkfifo', [join(folder.path, name)])
    const { status, out, err } = await folder.troupe('check')
    expect(status).toBe(1)
    expect(`${out}${err}`).toContain(`${join(folder.path, name)} is a pipe`)
  })

  it('starts nothing if there are problems', async () => {
    using folder = app()
    const { status, err, out } = await folder.troupe('-o', 'app:proxy:port=0', 'run', 'go')
    expect(err).toMatch(/^-o app:proxy:port:1:1: app:proxy: port: /)
    expect([status, out]).toEqual([1, ''])
  })
})

describe('troupe list', () => {
  it('prints a table', async () => {
    using folder = app()
    const { status, out, err } = await folder.troupe('list')
    const rows = out.split('\n').map((row) => row.replace(/\S*\/src/, 'src').split(/ {2,}/))
    expect(rows).toEqual([
      ['ID', 'KIND', 'COMMAND', 'WHERE'],
      ['app:go', 'process.ts', 'go', 'src/_index.yaml:9'],
      ['app:proxy', 'network.socks5', 'src/_index.yaml:3'],
    ])
    expect([status, err]).toEqual([0, ''])
  })

  it('shows where overlays with a kept address can be reached', async () => {
    using folder = app()
    // 384 bytes of keys, a certificate of 7 bytes, and the secret part.
    const key = Buffer.concat([Buffer.alloc(384, 1), Buffer.from([5, 0, 4, 0, 7, 0, 0]), Buffer.alloc(32, 2)]).toString(
      'base64',
    )
    mkdirSync(join(folder.path, '.troupe/net/i2p'), { recursive: true, mode: 0o700 })
    writeFileSync(join(folder.path, '.troupe/net/i2p/site'), key, { mode: 0o600 })
    writeFileSync(
      join(folder.path, 'src/_i2p.yaml'),
      'namespace: app\nentries:\n  - name: site\n    kind: network.i2p\n    host: h\n    port: 7656\n',
    )
    const { out } = await folder.troupe('list', 'network.*')
    expect(out).toMatch(/ADDRESS\n/)
    expect(out).toMatch(/app:site .* [a-z2-7]{52}\.b32\.i2p/)
  })

  it('shows the number of replicas of a service', async () => {
    using folder = app()
    writeFileSync(
      join(folder.path, 'src/_workers.yaml'),
      'namespace: app\nentries:\n  - { name: workers, kind: process.service, process: go, host: t, replicas: 4 }\n' +
        '  - { name: t, kind: process.host }\n',
    )
    expect((await folder.troupe('list', 'process.service')).out).toContain('process.service × 4')
  })

  it('prints entries of a kind as they are written', async () => {
    using folder = app()
    const { out } = await folder.troupe('list', 'network.*', '--json')
    expect(JSON.parse(out)).toEqual([
      {
        id: 'app:proxy',
        kind: 'network.socks5',
        meta: {},
        fields: { host: '127.0.0.1', port: 1080, username: 'me', password: '${env:SECRET|none}' },
        source: { file: `${folder.path}/src/_index.yaml`, line: 3, column: 5 },
      },
    ])
  })

  it('lists what can be read, and reports that there are problems', async () => {
    using folder = app()
    expect(await folder.troupe('list', 'nothing', '-o', 'app:proxy:port=0')).toEqual({
      status: 0,
      out: '',
      err: 'no entries of the kind nothing\na problem: see "troupe check"',
    })
  })
})

describe('an application with nothing to run', () => {
  it('is named, with what to do', async () => {
    using folder = appFolder({ 'src/.keep': '' })
    const err = containing(`${folder.path}/src contains no entries: "troupe init" writes an application`)
    expect(await folder.troupe('check')).toMatchObject({ status: 1, out: '', err })
    expect(await folder.troupe('run')).toMatchObject({ status: 1, err })
  })
})

describe('troupe init', () => {
  it('writes an application without problems', async () => {
    using folder = appFolder()
    const made = await folder.troupe('init', 'new app')
    expect(made.status).toBe(0)
    expect(made.out).toContain('src/_index.yaml')
    expect(JSON.parse(folder.read('new app/package.json'))).toMatchObject({ name: 'new-app', type: 'module' })
    expect(await troupe('--root', `${folder.path}/new app`, 'check')).toEqual({
      status: 0,
      out: '',
      err: '2 entries, no problems',
    })
  })

  it('adds an application to a project, and changes nothing that is there', async () => {
    const manifest = { name: 'mine', scripts: { test: 'vitest' }, dependencies: { typescript: '5' } }
    const mine = {
      'package.json': JSON.stringify(manifest, undefined, '\t'),
      'src/index.ts': 'mine',
      'tsconfig.json': '{}',
      'src/troupe/greet.mts': 'mine too',
    }
    using folder = appFolder(mine)
    const { status, out } = await folder.troupe('init')
    expect(status).toBe(0)
    expect(out).toContain('Added to')
    expect(out).toContain('package.json: scripts.check')
    expect(out).toContain('Left as they are:\n  src/troupe/greet.mts\n  tsconfig.json\n')
    for (const name of ['src/index.ts', 'tsconfig.json', 'src/troupe/greet.mts'] as const)
      expect(folder.read(name)).toBe(mine[name])
    expect(folder.read('package.json')).toMatch(/^\t"name": "mine",$/m)
    expect(JSON.parse(folder.read('package.json'))).toEqual({
      ...manifest,
      scripts: { test: 'vitest', start: 'troupe run hello', check: 'troupe check && troupe types && tsc' },
      dependencies: { typescript: '5', troupe: '0.0.0' },
      devDependencies: { '@types/node': '^26.6.6' },
    })
    // A project without "type": "module" gets files that are modules in any case.
    expect(folder.read('src/troupe/_index.yaml')).toContain('file://hello.mts')
    expect((await folder.troupe('init')).out).not.toContain('src/troupe/hello.mts\n\nNext')
    expect(JSON.parse((await folder.troupe('init', '--json')).out)).toMatchObject({ files: [], added: [] })
  })

  it('installs packed packages from a folder', async () => {
    using folder = appFolder({ 'packed/troupe-1.2.3.tgz': '', 'packed/troupe-tsnet-linux-x64-1.2.3.tgz': '' })
    await folder.troupe('init', 'a', '--from', join(folder.path, 'packed'))
    expect(JSON.parse(folder.read('a/package.json'))).toMatchObject({
      dependencies: { troupe: `file:${folder.path}/packed/troupe-1.2.3.tgz` },
      overrides: { '@troupe/tsnet-linux-x64': `file:${folder.path}/packed/troupe-tsnet-linux-x64-1.2.3.tgz` },
    })
    expect(await folder.troupe('init', 'b', '--from', folder.path)).toMatchObject({
      status: 1,
      err: containing('contains no packed package "troupe"'),
    })
    expect(await folder.troupe('init', 'a/package.json')).toMatchObject({
      status: 1,
      err: containing('package.json is a file'),
    })
  })
})

describe('describeFailure', () => {
  const error = new TroupeError('Unavailable', 'no proxy', {
    cause: Object.assign(new RangeError('far away'), { cause: 'the weather' }),
  })

  it('shows the kind, or the name that user code gave, and each cause', () => {
    expect(describeFailure(error, false)).toBe(
      'Unavailable: no proxy\n  because: RangeError: far away\n  because: Error: the weather',
    )
  })

  it('shows stacks only on request', () => {
    expect(describeFailure(error, true)).toMatch(
      /^Unavailable: no proxy\n {4}at [^]*because: RangeError: far away\n {4}at /,
    )
  })
})

describe('pointerTo', () => {
  it('names the code, or else the kind', () => {
    const crossing = new TroupeError('PermissionDenied', 'no', { details: { code: 'ENETWORK' } })
    expect(pointerTo(crossing)).toBe('see: troupe docs ENETWORK')
    expect(pointerTo(Object.assign(denied('no'), { code: 'EOVERLAY' }))).toBe('see: troupe docs EOVERLAY')
    expect(pointerTo(new TroupeError('Timeout', 'late', { details: { code: 'ETIMEDOUT' } }))).toBe(
      'see: troupe docs Timeout',
    )
  })

  it('is about the cause of an error of other code', () => {
    const failed = new TypeError('fetch failed', { cause: new TroupeError('Unavailable', 'no proxy') })
    expect(pointerTo(failed)).toBe('see: troupe docs Unavailable')
  })

  it('has nothing about errors of the application', () => {
    expect([pointerTo(new RangeError('too far')), pointerTo('a text')]).toEqual([undefined, undefined])
  })

  it('is printed below an error', async () => {
    using folder = appFolder({ 'src/_index.yaml': 'namespace: app\nentries:\n  - { name: a, kind: no.kind }\n' })
    const { status, err } = await folder.troupe('run')
    expect([status, err.split('\n').at(-1)]).toEqual([1, 'see: troupe docs unknown-kind'])
  })
})
