import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { dial } from '../../dial/dial.ts'
import { eventOf } from '../../guard/testing/lab.ts'
import { failure, peer, route } from './testing/sample.ts'
import { answering, greeting, type Script, ScriptedBridge } from './testing/scripted-bridge.ts'

const ok = 'STREAM STATUS RESULT=OK\n'
const connect = 'STREAM CONNECT'
let bridge: ScriptedBridge | undefined

async function start(script: Script, split?: number): Promise<ScriptedBridge> {
  return (bridge = await ScriptedBridge.start(script, split === undefined ? {} : { split }))
}
afterEach(async () => {
  await bridge?.[Symbol.asyncDispose]()
  bridge = undefined
})

/** Sends the reply and the far side's data, and then ends. */
const speaking =
  (behind: Buffer): Script =>
  (line, say, socket) => {
    if (line.startsWith('HELLO')) say(greeting)
    else {
      say(Buffer.concat([Buffer.from(ok), behind]))
      // When all of it has been sent.
      const end = setInterval(() => {
        if (socket.bytesWritten < greeting.length + ok.length + behind.length) return
        clearInterval(end)
        socket.end()
      })
    }
  }

describe('a dial', () => {
  it('sends session and destination, one line at a time', async () => {
    const { port, lines } = await start(answering({ [connect]: ok }))
    const socket = await dial(route({ port }), peer)
    expect(lines).toEqual([
      'HELLO VERSION MIN=3.0 MAX=3.1',
      `STREAM CONNECT ID=the-session DESTINATION=${peer.host} SILENT=false`,
    ])
    expect([socket.listenerCount('error'), socket.listenerCount('readable')]).toEqual([0, 0])
    socket.destroy()
  })

  it('logs in with the greeting, as configured', async () => {
    const { port, lines } = await start(answering({ [connect]: ok }))
    const login = { username: 'carol', password: 'hunter2' }
    const socket = await dial(route({ port }, {}, { bridge: { host: '127.0.0.1', port, login } }), peer)
    expect(lines[0]).toBe('HELLO VERSION MIN=3.0 MAX=3.2 USER="carol" PASSWORD="hunter2"')
    socket.destroy()
  })

  it('ends in the same stream, in pieces of any size', async () => {
    const behind = randomBytes(80)
    for (let split = 1; split <= greeting.length + ok.length + behind.length; split++) {
      await using pieces = await ScriptedBridge.start(speaking(behind), { split })
      const socket = await dial(route(pieces), peer)
      expect(await buffer(socket)).toEqual(behind)
    }
  })

  it('returns the stream completely, with any content and any split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 400 }), async (bytes, split) => {
        await using pieces = await ScriptedBridge.start(speaking(Buffer.from(bytes)), { split })
        expect(await buffer(await dial(route(pieces), peer))).toEqual(Buffer.from(bytes))
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['CANT_REACH_PEER', { replyCode: 'CANT_REACH_PEER', code: 'EHOSTUNREACH' }],
    ['PEER_NOT_FOUND', { replyCode: 'PEER_NOT_FOUND' }],
    ['LEASESET_NOT_FOUND', { replyCode: 'LEASESET_NOT_FOUND' }],
    ['KEY_NOT_FOUND', { replyCode: 'KEY_NOT_FOUND' }],
    ['INVALID_KEY', { replyCode: 'INVALID_KEY' }],
    ['TIMEOUT', { replyCode: 'TIMEOUT', code: 'ETIMEDOUT' }],
    ['INVALID_ID', { result: 'INVALID_ID' }],
    ['I2P_ERROR', { result: 'I2P_ERROR' }],
    ['DUPLICATED_ID', { result: 'DUPLICATED_ID' }],
    ['ALREADY_ACCEPTING', { result: 'ALREADY_ACCEPTING' }],
    ['SOMETHING_NEW', { result: 'SOMETHING_NEW' }],
  ])('that gets the reply %s is Unavailable, with this message', async (result, details) => {
    const { port } = await start(answering({ [connect]: `STREAM STATUS RESULT=${result} MESSAGE="as it is"\n` }))
    const error = await failure(dial(route({ port }), peer))
    expect(error).toMatchObject({
      kind: 'Unavailable',
      retryable: true,
      details: { overlay: 'app:i2p', target: `${peer.host}:80`, ...details },
    })
    expect(error.message).toContain(`${result}, `)
    expect(error.message).toContain('(as it is)')
    await bridge?.deserted()
  })

  it.each([
    ['HTTP', { HELLO: 'HTTP/1.1 400 Bad Request\r\n' }, 'not in SAM'],
    ['another version', { HELLO: 'HELLO REPLY RESULT=NOVERSION\n' }, 'NOVERSION'],
    [
      'a refusal to greet',
      { HELLO: 'HELLO REPLY RESULT=I2P_ERROR MESSAGE="Authorization failed"\n' },
      'Authorization failed',
    ],
    ['more than was asked for', { HELLO: `${greeting}${ok}` }, 'not SAM'],
    ['a reply to another request', { [connect]: 'NAMING REPLY RESULT=OK NAME=x VALUE=y\n' }, 'not SAM'],
    ['no words', { [connect]: '\n' }, 'not SAM'],
    ['a line of no end', { [connect]: 'STREAM STATUS '.padEnd(40_000, 'x') }, 'not SAM'],
  ])('to a bridge that replies with %s is Unavailable', async (_name, answers, words) => {
    const { port } = await start(answering({ [connect]: ok, ...answers }))
    const error = await failure(dial(route({ port }), peer))
    expect(error).toMatchObject({ kind: 'Unavailable', message: expect.stringContaining(words) as string })
    expect(error.message).not.toContain(String(port))
    await bridge?.deserted()
  })

  it.each(['HELLO', connect])('to a bridge that closes, or resets, at %s is Unavailable', async (where) => {
    for (const how of ['end', 'resetAndDestroy'] as const) {
      await using rude = await ScriptedBridge.start((line, say, socket) => {
        if (line.startsWith(where)) socket[how]()
        else say(greeting)
      })
      const code = how === 'end' ? 'FIN' : 'ECONNRESET'
      expect(await failure(dial(route(rude), peer))).toMatchObject({ kind: 'Unavailable', details: { code } })
    }
  })

  it.each([
    ['HELLO', { connect: 30 }, 'connect_timeout', 'hello'],
    [connect, { dial: 30 }, 'dial_timeout', 'request'],
  ])('to a bridge that is silent at %s ends at the entry’s timeout', async (where, limits, limit, stage) => {
    const { port } = await start(answering({ ...(where === 'HELLO' && { HELLO: '' }), [connect]: '' }))
    expect(await failure(dial(route({ port }, limits), peer))).toMatchObject({
      kind: 'Timeout',
      details: { limit, stage },
    })
    await bridge?.deserted()
  })

  it('ends at the caller’s timeout, or when the caller cancels', async () => {
    const { port } = await start(answering({}))
    expect(await failure(dial(route({ port }), peer, { timeout: 30 }))).toMatchObject({
      kind: 'Timeout',
      details: { stage: 'request', timeout: 30 },
    })
    for (const awaited of ['HELLO', connect]) {
      const abort = new AbortController()
      await using slow = await ScriptedBridge.start((line, say) => {
        if (line.startsWith(awaited)) abort.abort()
        else say(greeting)
      })
      expect(await failure(dial(route(slow), peer, { signal: abort.signal }))).toMatchObject({ kind: 'Canceled' })
      await slow.deserted()
    }
    await bridge?.deserted()
  })
})

describe('a dial before the session is ready', () => {
  it.each(['STREAM STATUS RESULT=INVALID_ID', 'STREAM STATUS RESULT=CANT_REACH_PEER', undefined])(
    'waits for the session, and for a lease set: %s',
    async (answer) => {
      let early = 3
      const { port } = await start((line, say, socket) => {
        if (line.startsWith('HELLO')) say(greeting)
        else if (early-- === 0) say(ok)
        else if (answer === undefined) socket.end()
        else say(`${answer}\n`)
      })
      const socket = await dial(route({ port }, { wait: 20_000 }), peer)
      expect(early).toBe(-1)
      socket.destroy()
    },
  )

  it('waits for the router', async () => {
    const free = createServer()
    await once(free.listen(0, '127.0.0.1'), 'listening')
    const address = free.address()
    const port = typeof address === 'object' && address ? address.port : 0
    await new Promise((resolve) => free.close(resolve))
    const dialled = dial(route({ port }, { wait: 20_000 }), peer)
    bridge = await ScriptedBridge.start(answering({ [connect]: ok }), { port })
    const socket = await dialled
    expect(bridge.lines).toHaveLength(2)
    socket.destroy()
  })

  it('waits no longer than the entry’s timeout, and then reports the reason', async () => {
    const { port } = await start(answering({ [connect]: 'STREAM STATUS RESULT=INVALID_ID\n' }))
    const error = await failure(dial(route({ port }, { wait: 200 }), peer))
    expect(error).toMatchObject({ kind: 'Unavailable', details: { result: 'INVALID_ID' } })
  })

  it('waits no longer than the caller, and then reports the reason', async () => {
    const { port } = await start(answering({ [connect]: 'STREAM STATUS RESULT=INVALID_ID\n' }))
    const error = await failure(dial(route({ port }, { wait: 60_000 }), peer, { timeout: 200 }))
    expect(error).toMatchObject({ kind: 'Timeout', message: expect.stringContaining('INVALID_ID') as string })
    const abort = new AbortController()
    const dialled = failure(dial(route({ port }, { wait: 60_000 }), peer, { signal: abort.signal }))
    setTimeout(() => abort.abort(), 20)
    expect(await dialled).toMatchObject({ kind: 'Canceled' })
  })

  it('does not wait for permanent failures', async () => {
    for (const result of ['INVALID_KEY', 'I2P_ERROR', 'PEER_NOT_FOUND']) {
      await using refusing = await ScriptedBridge.start(answering({ [connect]: `STREAM STATUS RESULT=${result}\n` }))
      await failure(dial(route(refusing, { wait: 60_000 }), peer))
      expect(refusing.lines).toHaveLength(2)
    }
  })
})

describe('the first byte', () => {
  it('is waited for up to the entry’s timeout', async () => {
    const { port } = await start(answering({ [connect]: ok }))
    const socket = await dial(route({ port }, { firstByte: 30 }), peer)
    socket.write('hello?')
    expect(await eventOf(socket, 'error')).toMatchObject({
      kind: 'Timeout',
      retryable: true,
      details: { limit: 'first_byte_timeout', stage: 'stream' },
    })
  })

  it('once received, sets no timeout for the rest', async () => {
    let far: Parameters<Script>[2] | undefined
    const { port } = await start((line, say, socket) => {
      say(line.startsWith('HELLO') ? greeting : ok)
      far = socket
    })
    const socket = await dial(route({ port }, { firstByte: 30 }), peer)
    const heard = text(socket)
    far?.write('a')
    await new Promise((resolve) => setTimeout(resolve, 100))
    far?.end('b')
    expect(await heard).toBe('ab')
  })

  it('can be waited for without a limit', async () => {
    const { port } = await start(answering({ [connect]: ok }))
    const socket = await dial(route({ port }, { firstByte: 0 }), peer)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(socket.destroyed).toBe(false)
    socket.destroy()
  })
})
