/** A program under `troupe exec` behaves as without it: options, output, signals, status. Refusals have words. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { withPreload } from '@troupe/network/program'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { address } from '../peers/loopback.ts'
import { startMicrosocks } from '../peers/microsocks.ts'
import type { ProxyPeer } from '../peers/peers.ts'

const troupe = resolve(import.meta.dirname, '../../packages/cli/src/troupe.ts')
const at = (program: string) => join(import.meta.dirname, 'programs', program)
const dead = 'socks5://127.0.0.1:1'
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` }

interface Ended {
  readonly status: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

async function run(
  argv: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly input?: string; readonly cwd?: string } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [troupe, 'exec', ...argv], {
    stdio: 'pipe',
    env: options.env ?? env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  child.stdin.end(options.input ?? '')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { status: child.exitCode, signal: child.signalCode, out, err }
}

const node = async (code: string, ...options: readonly string[]) =>
  run(['--network', dead, ...options, '--', 'node', '-e', code])

describe('a program', () => {
  it('gets its arguments and its input, and gives its output and its status', async () => {
    const ended = await run(['--network', dead, '--', 'node', at('echo-input.ts'), 'a', '--report'], { input: 'words' })
    expect(ended).toEqual({ status: 7, signal: null, out: 'a,--report words\n', err: 'e\n' })
  })

  it('ends by the signal that ended it, and gets signals', async () => {
    expect(await node(`process.kill(process.pid, 'SIGKILL')`)).toMatchObject({ status: null, signal: 'SIGKILL' })
    const code = `process.on('SIGTERM', () => process.exit(9)); console.log('on'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, [troupe, 'exec', '--network', dead, 'node', '-e', code], { env })
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    await once(child, 'exit')
    expect(child.exitCode).toBe(9)
    expect(await node(`process.kill(process.ppid, 'SIGALRM'); setInterval(() => {}, 1000)`)).toMatchObject({
      signal: 'SIGALRM',
    })
  })

  it('has a terminal where there is one', () => {
    const command = `"${process.execPath}" "${troupe}" exec --network ${dead} node -p process.stdout.isTTY`
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], { env, encoding: 'utf8' })
    expect(stripVTControlCharacters(stdout).trim()).toBe('true')
  })

  it('sees its own NODE_OPTIONS and options, and nothing of ours', async () => {
    const own = { ...env, NODE_OPTIONS: '--max-old-space-size=200', TROUPE_EXEC_NETWORK: dead }
    const ended = await run(['--', 'node', '--no-warnings', at('own-options.ts')], { env: own })
    expect(JSON.parse(ended.out)).toEqual(['--max-old-space-size=200', ['--no-warnings'], [], true])
    expect((await node('console.log(process.env.NODE_OPTIONS)')).out).toBe('undefined\n')
  })

  it.each([
    ['esm.mjs', `const { connect } = await import('node:net'); export const x = 1`],
    ['cjs.cjs', `const { connect } = require('node:net'); exports.x = 1`],
    ['typescript.ts', `import { connect } from 'node:net'; const x: number = 1`],
  ])('may be %s', async (file, head) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-exec-'))
    writeFileSync(
      join(folder.path, file),
      `${head}\nconnect(80, 'web.test').on('error', ({ message }) => console.log(message))\n`,
    )
    const { out } = await run(['--network', dead, '--', 'node', join(folder.path, file)])
    expect(out).toContain('through overlay exec:proxy failed: the proxy cannot be reached (ECONNREFUSED)')
  })

  it('can be inspected, and has hooks of modules', async () => {
    const { err } = await run(['--network', dead, '--', 'node', '--inspect=0', '-e', '0'])
    expect(err).toMatch(/^Debugger listening on ws:\/\/127\.0\.0\.1:/)
    const code = `require('node:module').register(${JSON.stringify(pathToFileURL(at('hook.ts')))}); import('node:os')`
    expect((await node(code)).err).toContain('through overlay exec:proxy failed')
  })

  it('does not start without its route', async () => {
    const { out } = await run(['--network', dead, '--', 'node', at('without-descriptor.ts')])
    expect(out).toBe('EBADF\n')
    const { status, stderr, stdout } = spawnSync(process.execPath, ['-e', 'console.log(1)'], {
      env: { NODE_OPTIONS: withPreload('') },
      encoding: 'utf8',
    })
    expect({ status, stdout }).toEqual({ status: 126, stdout: '' })
    expect(stderr).toContain('so it does not start')
  })
})

describe('a child', () => {
  it('that is no Node program is refused by name, and started where it was named', async () => {
    const { status, err } = await run(['--network', dead, '--', 'curl', 'http://web.test'])
    expect(status).toBe(126)
    expect(err).toMatch(/the program curl \(.*\) is refused in overlay exec:proxy.*troupe exec --native curl\n/)
    expect(err).toMatch(/\nsee: troupe docs EOVERLAY\n$/)
    const code =
      `require('child_process').execFile('expr', ['1', '+', '1'], ` +
      `(error, out) => console.log(error?.message ?? out))`
    expect((await node(code)).out).toMatch(/the program expr .* is refused in overlay exec:proxy.*--native expr/)
    expect((await node(code, '--native', 'expr')).out).toBe('2\n\n')
    const sync =
      `const { error, status } = require('child_process').spawnSync('expr', ['1']); ` +
      `console.log(status, error.code, error.path, error.message)`
    expect((await node(sync)).out).toMatch(/^null EOVERLAY expr the program expr .* is refused/)
  })

  it('whose options would keep the guard out is refused with that reason', async () => {
    for (const option of ['--permission', '--no-experimental-require-module', '--jitless']) {
      const { status, err } = await run(['--network', dead, '--', 'node', option, '-e', '0'])
      expect({ status, err }).toEqual({
        status: 126,
        err: expect.stringContaining(`node ${option} is refused`) as string,
      })
    }
    const own = { ...env, NODE_OPTIONS: '--permission' }
    expect((await run(['--network', dead, '--', 'env', '-S', 'A=1 node', '-p', '1'], { env: own })).status).not.toBe(0)
    expect((await run(['--network', dead, '--', 'env', '-S', 'A=1 node', '-p', 'process.env.A'])).out).toBe('1\n')
  })

  it('with a file of options that Node reads in "troupe exec" too is refused', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-exec-'))
    writeFileSync(join(folder.path, 'node.config.json'), '{}')
    for (const words of [
      ['--', 'node', 'app.js', '--experimental-config-file=node.config.json'],
      ['--', 'node', '--experimental-default-config-file', 'app.js'],
      ['node', '--env-file-if-exists=none.env', 'app.js'],
    ]) {
      const { status, err } = await run(['--network', dead, ...words], { cwd: folder.path })
      expect(status).toBe(2)
      expect(err).toMatch(/: Node reads it in "troupe exec" too, outside of the overlay; /)
    }
    expect((await run(['--network', dead, '--', 'node', '--env-file-if-exists=none.env', '-p', '1'])).out).toBe('1\n')
  })

  it('may use internals of Node that open nothing, as wrappers of programs do', async () => {
    const code = (name: string) => `console.log(typeof process.binding('${name}'))`
    expect((await node(code('spawn_sync'))).out).toBe('object\n')
    expect((await node(code('tcp_wrap'))).err).toContain('process.binding is refused in overlay exec:proxy')
  })

  it('of a shell is a Node program, or refused with the syntax that is not supported', async () => {
    const sh = async (command: string) =>
      (await run(['--network', dead, '--', 'node', at('run-command.ts'), command])).out
    const both = `echo one && A='two  three' node -p process.env.A; node -e 'process.exit(3)' || echo $?`
    expect(await sh(both)).toBe('one\ntwo  three\n3\n\n')
    expect(await sh('echo $(node -p 1)')).toMatch(/a command of sh with the output of a command .* is refused/)
    expect(await sh('node --run test')).toMatch(/node --run is refused in overlay/)
    expect(await sh('exec node -p 4')).toBe('4\n\n')
    expect(await sh(`set -eu; node -p $'\\x41' || false; false && true; node -p 2; false; node -p 3`)).toContain(
      'Command failed',
    )
    expect(await sh('set -u; echo "${A-}"; echo $A')).toContain('A: unbound variable')
    expect(await sh('set -o pipefail; false | node -p 1 || echo failed')).toBe('1\nfailed\n\n')
    expect(await sh(`set -e; true && set +e; false; ! false; echo on`)).toBe('on\n\n')
  })
})

describe('a thread', () => {
  it('has the guard before any module of the program, whatever options it is given', async () => {
    const { out } = await run(['--network', dead, '--', 'node', at('threads-with-options.ts')])
    expect(out).toBe('ECONNREFUSED true\n'.repeat(10))
  })
})

describe('--allow', () => {
  it('leaves targets in the clear, and lets servers listen there', async () => {
    const argv = ['--', 'node', at('local-server.ts')]
    const { out, err } = await run(['--network', dead, '--allow', '127.0.0.0/8', '--report=json', ...argv])
    expect(out).toBe('hello hello failed\n')
    expect(err).toContain('"network":"clear","target":"localhost:')
    expect((await run(['--network', dead, ...argv])).out).toMatch(/net.Server.listen on the host 127.0.0.1 is refused/)
    expect(await run(['--network', dead, '--allow', 'a b', ...argv])).toMatchObject({ status: 2, out: '' })
  })
})

describe('--report', () => {
  it('counts look-ups and datagrams, too, as a table or JSON', async () => {
    const code =
      `require('dns').resolve('web.test', () => {}); require('net').connect(80, 'web.test').on('error', () => {}); ` +
      `require('dgram').createSocket('udp4').on('error', () => {}).send('x', 9, '203.0.113.7', () => process.exit())`
    const { err } = await node(code, '--report=json')
    const { overlay, rows } = JSON.parse(err) as { overlay: string; rows: readonly object[] }
    expect(overlay).toBe('exec:proxy')
    for (const target of ['the name web.test', 'web.test:80', 'datagrams'])
      expect(rows).toContainEqual(expect.objectContaining({ network: 'overlay', target, count: 1, failed: 1 }))
    expect((await node(code, '--report')).err).toMatch(/^NETWORK +TARGET +COUNT +FAILED +LAST ERROR\nexec:proxy +/)
  })
})

describe('another "troupe exec"', () => {
  it('is refused inside of one', async () => {
    const { status, err } = await run(['--network', dead, '--', 'node', troupe, 'exec', '--network', 'tor', 'node'])
    expect({ status, err }).toMatchObject({ status: 2 })
    expect(err).toContain('runs in an overlay already')
  })
})

describe('secrets', () => {
  const login = { username: 'ada', password: 'a-password-of-the-test' }
  const stack = new AsyncDisposableStack()
  let server: Server
  let proxy: ProxyPeer
  beforeAll(async () => {
    const folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-exec-'))
    stack.defer(() => folder.remove())
    const started = await startMicrosocks(folder.path, address(90), login)
    stack.use(started.daemon)
    proxy = started.peer
    server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(async () => {
    server.close()
    await stack.disposeAsync()
  })

  it.each(['the environment', 'a file', 'the command line'])('given in %s show in no process', async (way) => {
    const { port } = server.address() as AddressInfo
    const network = `socks5://${login.username}:${login.password}@${proxy.host}:${proxy.port}`
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-exec-'))
    writeFileSync(join(folder.path, 'network'), `${network}\n`)
    const option = way === 'a file' ? ['--network', `@${join(folder.path, 'network')}`] : ['--network', network]
    const own = way === 'the environment' ? { ...env, TROUPE_EXEC_NETWORK: network } : env
    const word = Buffer.from(login.password).toString('base64')
    const { out, err } = await run(
      [
        ...(way === 'the environment' ? [] : option),
        '--',
        'node',
        at('find-secret.ts'),
        word,
        `http://127.0.0.1:${port}/`,
      ],
      { env: own },
    )
    expect(JSON.parse(out)).toEqual(['hello', []])
    expect(err.includes('was visible for a moment')).toBe(way === 'the command line')
    expect(err).not.toContain(login.password)
  })
})
