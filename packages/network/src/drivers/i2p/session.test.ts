import { mkdtempDisposableSync, readFileSync } from 'node:fs'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeRouter } from './testing/fake-router.ts'
import { KeyFile } from './key-file.ts'
import { defaultTimeouts } from './route.ts'
import { answering, ScriptedBridge } from './testing/scripted-bridge.ts'
import { destination, failure, privateKey } from './testing/sample.ts'
import { Session, type SessionOptions } from './session.ts'
import { addressName } from './destination.ts'

let stack = new AsyncDisposableStack()
let log: string[] = []

beforeEach(() => {
  stack = new AsyncDisposableStack()
  log = []
})
afterEach(async () => stack.disposeAsync())

function open({ port }: { readonly port: number }, options: Partial<SessionOptions> = {}): Session {
  return stack.use(
    new Session({
      overlay: entryId('app:i2p'),
      role: 'listen',
      bridge: { host: '127.0.0.1', port },
      prefix: 'troupe',
      signatureType: 7,
      options: { 'inbound.length': '0' },
      timeouts: defaultTimeouts,
      log: (line) => log.push(line),
      delays: { initial: 5, max: 40 },
      forget: 5,
      ...options,
    }),
  )
}

const created = (lines: readonly string[]) => lines.filter((line) => line.startsWith('SESSION CREATE'))

describe('a session', () => {
  it('has an unguessable id, a key of the requested type, and its options', async () => {
    const router = stack.use(await FakeRouter.start())
    const session = open(router)
    const address = await session.standing()
    expect(session.id).toMatch(/^troupe-[0-9a-f]{32}$/)
    expect(created(router.bridge.lines)).toEqual([
      `SESSION CREATE STYLE=STREAM ID=${session.id} DESTINATION=TRANSIENT SIGNATURE_TYPE=7 inbound.length=0`,
    ])
    expect(session).toMatchObject({ address, state: 'up', error: undefined })
    expect(log).toEqual([`overlay app:i2p is reached at ${address}`])
  })

  it('uses the kept key, and keeps a new one', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-session-'))
    const path = join(folder.path, 'i2p/site')
    const router = stack.use(await FakeRouter.start())
    const first = open(router, { keyFile: await KeyFile.hold(path) })
    const address = await first.standing()
    const key = readFileSync(path, 'utf8').trim()
    expect(router.bridge.lines[1]).toBe('DEST GENERATE SIGNATURE_TYPE=7')
    await first[Symbol.asyncDispose]()
    const second = open(router, { keyFile: await KeyFile.hold(path) })
    expect(await second.standing()).toBe(address)
    expect(created(router.bridge.lines)).toHaveLength(2)
    expect(created(router.bridge.lines).every((line) => line.includes(` DESTINATION=${key} inbound`))).toBe(true)
    expect(second.id).not.toBe(first.id)
  })

  it('shows nothing secret that a bridge repeats: login, id of the session, key', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-session-'))
    const keyFile = await KeyFile.hold(join(folder.path, 'i2p/site'))
    const key = privateKey()
    keyFile.write(key)
    const login = { username: 'the-user', password: 'the-password' }
    for (const stage of ['HELLO', 'SESSION'] as const) {
      const bridge = stack.use(
        await ScriptedBridge.start((line, say) => {
          if (!line.startsWith(stage)) say('HELLO REPLY RESULT=OK VERSION=3.2\n')
          else
            say(
              `${stage === 'HELLO' ? 'HELLO REPLY' : 'SESSION STATUS'} ` +
                `RESULT=I2P_ERROR MESSAGE="no: ${line.replaceAll('"', '')} the-password"\n`,
            )
        }),
      )
      const session = new Session({
        ...{
          overlay: entryId('app:i2p'),
          role: 'dial',
          prefix: 'troupe',
          signatureType: 7,
          options: {},
          timeouts: defaultTimeouts,
        },
        ...{
          bridge: { host: '127.0.0.1', port: bridge.port, login },
          log: (line) => log.push(line),
          ...(stage === 'SESSION' && { keyFile }),
        },
      })
      stack.use(session)
      const error = await failure(session.standing())
      const shown = `${String(error)} ${JSON.stringify(error)} ${log.join(' ')}`
      expect(shown).toContain('[masked]')
      for (const secret of [login.username, login.password, session.id, key]) expect(shown).not.toContain(secret)
    }
  })

  it('reports a damaged kept key, if the router rejects it', async () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-session-'))
    const path = join(folder.path, 'i2p/site')
    const keyFile = await KeyFile.hold(path)
    keyFile.write(privateKey())
    const bridge = stack.use(await ScriptedBridge.start(answering({ SESSION: 'SESSION STATUS RESULT=INVALID_KEY\n' })))
    const error = await failure(open(bridge, { keyFile }).standing())
    expect(error).toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining(`the key in ${path}: it is damaged`) as string,
    })
  })

  it('is rebuilt with the same id and key, however often it breaks, and reports that', async () => {
    const router = stack.use(await FakeRouter.start())
    const events: unknown[] = []
    const listen = (event: unknown) => events.push(event)
    subscribe('troupe:overlay:session', listen)
    const session = open(router)
    const address = await session.standing()
    for (let round = 1; round <= 3; round++) {
      router.bridge.cut()
      await vi.waitUntil(() => created(router.bridge.lines).length > round)
      expect(await session.standing()).toBe(address)
    }
    unsubscribe('troupe:overlay:session', listen)
    const keys = created(router.bridge.lines).map((line) => / DESTINATION=(\S+)/.exec(line)?.[1])
    expect([keys[0], new Set(keys.slice(1)).size]).toEqual(['TRANSIENT', 1])
    expect(new Set(created(router.bridge.lines).map((line) => / ID=(\S+)/.exec(line)?.[1])).size).toBe(1)
    expect(events).toMatchObject(
      ['up', 'down', 'up', 'down', 'up', 'down', 'up'].map((state) => ({ overlay: 'app:i2p', role: 'listen', state })),
    )
    expect(log.join()).not.toContain(session.id)
  })

  it('for dials without a kept key is rebuilt with another one, at once', async () => {
    const router = stack.use(await FakeRouter.start())
    const session = open(router, { role: 'dial', forget: 600_000 })
    const address = await session.standing()
    router.bridge.cut()
    await vi.waitUntil(() => created(router.bridge.lines).length > 1)
    expect(await session.standing()).not.toBe(address)
    expect(created(router.bridge.lines).every((line) => line.includes(`ID=${session.id} DESTINATION=TRANSIENT`))).toBe(
      true,
    )
  })

  it('that the router has lost, although the connection is open, is down and rebuilt', async () => {
    const router = stack.use(await FakeRouter.start())
    const session = open(router, { watch: { second: 5, usual: 5, least: 5 } })
    const states: string[] = []
    session.onChange(() => states.push(session.state))
    const address = await session.standing()
    router.lose()
    await vi.waitUntil(() => states.includes('down'))
    await vi.waitUntil(() => states.at(-1) === 'up')
    expect([await session.standing(), states, created(router.bridge.lines).length]).toEqual([
      address,
      ['up', 'down', 'up'],
      2,
    ])
    expect(router.sessions.size).toBe(1)
  })

  it('is checked soon after a failed dial', async () => {
    const router = stack.use(await FakeRouter.start())
    const session = open(router, { watch: { second: 600_000, usual: 600_000, least: 5 } })
    await session.standing()
    router.lose()
    session.doubt()
    await vi.waitUntil(() => created(router.bridge.lines).length === 2)
    await vi.waitUntil(() => session.state === 'up')
    expect(router.sessions.size).toBe(1)
  })

  it('whose bridge stops responding is down until it responds, and is not rebuilt', async () => {
    let deaf = false
    const bridge = stack.use(
      await ScriptedBridge.start((line, say, socket) => {
        const answers = {
          SESSION: `SESSION STATUS RESULT=OK DESTINATION=${privateKey()}\n`,
          STREAM: 'STREAM STATUS RESULT=OK\n',
        }
        if (!deaf) void answering(answers)(line, say, socket)
      }),
    )
    const session = open(bridge, {
      timeouts: { ...defaultTimeouts, connect: 30 },
      watch: { second: 5, usual: 5, least: 5 },
    })
    await session.standing()
    deaf = true
    await vi.waitUntil(() => session.state === 'down')
    expect(session.error).toMatchObject({ kind: 'Timeout', details: { limit: 'connect_timeout' } })
    deaf = false
    await vi.waitUntil(() => session.state === 'up')
    expect(created(bridge.lines)).toHaveLength(1)
  })

  it('is retried with a growing delay, and reports the last failure', async () => {
    await using gone = await ScriptedBridge.start(() => undefined)
    const { port } = gone
    await gone[Symbol.asyncDispose]()
    const session = open({ port })
    expect(await failure(session.standing())).toMatchObject({ kind: 'Unavailable', details: { code: 'ECONNREFUSED' } })
    expect(session).toMatchObject({ state: 'down', error: { kind: 'Unavailable' } })
    const router = stack.use(await FakeRouter.start({ port }))
    await vi.waitUntil(() => session.state === 'up')
    expect(router.sessions.size).toBe(1)
    expect(log.at(-1)).toContain('is reached at')
  })

  it.each([
    ['DUPLICATED_ID', 'a session of that id is there already'],
    ['DUPLICATED_DEST', 'another session has the same key'],
    ['INVALID_KEY', 'the router knows no such name or destination'],
    ['I2P_ERROR', 'the router failed'],
  ])('that gets the reply %s is Unavailable, and is retried', async (result, words) => {
    const bridge = stack.use(await ScriptedBridge.start(answering({ SESSION: `SESSION STATUS RESULT=${result}\n` })))
    const session = open(bridge)
    expect(await failure(session.standing())).toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining(words) as string,
    })
    await vi.waitUntil(() => created(bridge.lines).length > 2)
  })

  it.each([
    ['nothing', 'SESSION STATUS RESULT=OK\n'],
    ['an invalid key', 'SESSION STATUS RESULT=OK DESTINATION=AAAA\n'],
    ['an address alone', `SESSION STATUS RESULT=OK DESTINATION=${destination()}\n`],
  ])('needs a key: the reply %s of a router is refused', async (_name, answer) => {
    const bridge = stack.use(await ScriptedBridge.start(answering({ SESSION: answer })))
    expect(await failure(open(bridge).standing())).toMatchObject({
      kind: 'Unavailable',
      message: expect.stringContaining('key') as string,
    })
  })

  it('is read in pieces of any size', async () => {
    const answer = `SESSION STATUS RESULT=OK DESTINATION=${privateKey()}\n`
    for (let split = 1; split < answer.length; split += 97) {
      await using bridge = await ScriptedBridge.start(answering({ SESSION: answer }), { split })
      const session = open(bridge)
      expect(await session.standing()).toBe(await addressName(destination()))
      await session[Symbol.asyncDispose]()
    }
  })

  it('may take as long as the router needs, up to its own limit', async () => {
    const bridge = stack.use(await ScriptedBridge.start(answering({})))
    const session = open(bridge, { timeouts: { ...defaultTimeouts, session: 30 } })
    expect(await failure(session.standing())).toMatchObject({ kind: 'Timeout', details: { limit: 'session_timeout' } })
  })

  it('replies to pings of the router', async () => {
    let control: { write(text: string): unknown } | undefined
    const bridge = stack.use(
      await ScriptedBridge.start((line, say, socket) => {
        control = socket
        return answering({ SESSION: `SESSION STATUS RESULT=OK DESTINATION=${privateKey()}\n` })(line, say, socket)
      }),
    )
    await open(bridge).standing()
    control?.write('PING how are you\n')
    await expect.poll(() => bridge.lines).toContain('PONG how are you')
  })

  it('ends when it is disposed of, at any point', async () => {
    const router = stack.use(await FakeRouter.start())
    const standing = open(router)
    await standing.standing()
    await standing[Symbol.asyncDispose]()
    await router.bridge.deserted()
    expect(await failure(standing.standing())).toMatchObject({ kind: 'Canceled' })
    const silent = stack.use(await ScriptedBridge.start(answering({})))
    const early = open(silent)
    const refused = failure(early.standing())
    await vi.waitUntil(() => created(silent.lines).length === 1)
    await early[Symbol.asyncDispose]()
    expect(await refused).toMatchObject({ kind: 'Canceled' })
    await silent.deserted()
  })
})
