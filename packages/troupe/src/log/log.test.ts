import { describe, expect, it } from 'vitest'
import { TroupeError } from '@troupe/core'
import { env, log } from '../index.ts'
import { startApp, type WrittenEntry } from '../test/index.ts'
import { redacted, redactedText } from './redact.ts'
import { textLine } from './text.ts'

const root = import.meta.dirname
const secret: readonly WrittenEntry[] = [
  { id: 'app:values', kind: 'env.storage.static', values: { KEY: 'correct horse', OPEN: 'staple' } },
  { id: 'app:KEY', kind: 'env.variable', storage: 'values', secret: true },
  { id: 'app:OPEN', kind: 'env.variable', storage: 'values' },
]

async function lines(set: readonly string[], write: () => void): Promise<readonly string[]> {
  const heard: string[] = []
  await using app = await startApp({ root, entries: secret, set, onLog: (line) => heard.push(line) })
  await using probe = await app.probe()
  await Promise.all([env.get('KEY'), env.get('OPEN')])
  await probe.run(async () => {
    write()
    // Earlier lines are written before this call returns.
    await env.get('KEY')
  })
  return heard.filter((line) => line.includes('troupe:probe'))
}

describe('log', () => {
  it('prints for people, with source and fields', async () => {
    expect(
      await lines([], () => {
        log.info('plain')
        log.warn({ url: 'http://x', tries: [1, 2] }, 'slow')
        log.debug('not this')
      }),
    ).toEqual(['troupe:probe <0.1> plain', "WARN troupe:probe <0.1> slow { url: 'http://x', tries: [ 1, 2 ] }"])
  })

  it('prints JSON for programs, at the configured level', async () => {
    const [line = '', ...others] = await lines(['log.level=debug', 'log.format=json'], () =>
      log.debug({ n: 1 }, 'fine'),
    )
    expect(others).toEqual([])
    expect(JSON.parse(line)).toEqual({
      level: 20,
      time: expect.any(Number) as number,
      pid: '<0.1>',
      thread: 0,
      entry: 'troupe:probe',
      n: 1,
      msg: 'fine',
    })
    expect(await lines(['log.level=error'], () => log.warn('not this'))).toEqual([])
  })

  it('shows no secret: neither by its name, nor by its value', async () => {
    const said = await lines([], () => {
      log.info(
        { auth_key: 'a', nested: { apiKey: 'b', Password: 'c', list: [{ token: 'd' }] }, kept: 'staple' },
        'it is correct horse',
      )
      log.error(new TroupeError('Unavailable', 'with correct horse, no'))
    })
    expect(said[0]).toBe(
      "troupe:probe <0.1> it is [redacted] { auth_key: '[redacted]', nested: { apiKey: " +
        "'[redacted]', Password: '[redacted]', list: [ { token: '[redacted]' } ] }, kept: 'staple' }",
    )
    expect(said[1]).toMatch(
      /^ERROR troupe:probe <0\.1> with \[redacted\], no \{ err: \{ name: 'TroupeError', .*kind: 'Unavailable'/,
    )
    expect(said.join()).not.toContain('correct horse')
  })

  it('shows values that cannot be cloned as text', async () => {
    expect(await lines([], () => log.info({ fn: () => 1, big: 1n }, 'odd'))).toEqual([
      "troupe:probe <0.1> odd { fn: '() => 1', big: '1' }",
    ])
  })
})

describe('redacted', () => {
  it('ends at deep values and at foreign objects', () => {
    const deep = Array.from({ length: 20 }).reduce<object>((inner) => ({ inner }), {})
    expect(JSON.stringify(redacted(deep, new Set()))).toContain('…')
    expect(redacted({ at: new Date(0), map: new Map([['token', 1]]), tokens: 2 }, new Set())).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      map: { token: '[redacted]' },
      tokens: 2,
    })
  })
})

describe('textLine', () => {
  it('begins with the time on a terminal', () => {
    expect(textLine({ level: 'info', time: 0, message: 'x', fields: {} }, true)).toBe('00:00:00.000 x')
  })
})

describe('a line of the log', () => {
  it('has the facts of the kernel, whatever code claims; the claims are kept apart', async () => {
    const forged = {
      pid: '<9.9>',
      entry: 'app:billing',
      level: 60,
      time: 1,
      msg: 'x',
      thread: 9,
      actor: 'root',
      fields: 1,
      ['__proto__']: 5,
      mine: 1,
    }
    const [line = ''] = await lines(['log.format=json'], () => log.info(forged, 'paid'))
    const { fields, ...facts } = JSON.parse(line) as Record<string, unknown>
    expect(facts).toEqual({
      level: 30,
      time: expect.any(Number) as number,
      pid: '<0.1>',
      thread: 0,
      entry: 'troupe:probe',
      mine: 1,
      msg: 'paid',
    })
    expect(fields).toMatchObject({ pid: '<9.9>', entry: 'app:billing', level: 60, time: 1, thread: 9, actor: 'root' })
    expect(line.match(/"pid"/g)).toHaveLength(2)
  })

  const forgery = 'harmless\r\nERROR app:billing money is gone\u001b[31m\u009b31m\u2028\u202e'

  it.each(['text', 'json'])('is one line without control characters, as %s', async (format) => {
    const said = await lines([`log.format=${format}`], () => {
      log.info(forgery)
      log.info({ [forgery]: forgery }, forgery)
      log.error(new Error(forgery))
    })
    expect(said).toHaveLength(3)
    for (const line of said) expect(line).not.toMatch(/[\p{Cc}\u2028\u202e]/u)
  })

  it('is written for any value, and never throws', async () => {
    const odd: unknown[] = [
      undefined,
      null,
      5,
      5n,
      Symbol('s'),
      () => 1,
      [1, 2],
      new Map([['a', 1]]),
      new Proxy({}, { get: () => fail() }),
    ]
    const write = log.warn as (...given: unknown[]) => void
    const said = await lines([], () => {
      for (const value of odd) write(value)
      write('both', { a: 1 })
      write('failed', new RangeError('far'))
      write()
    })
    expect(said).toHaveLength(odd.length + 3)
    expect(said[0]).toBe('WARN troupe:probe <0.1> undefined')
    expect(said.at(-3)).toBe('WARN troupe:probe <0.1> both { a: 1 }')
    expect(said.at(-2)).toContain("failed { err: { name: 'RangeError', message: 'far'")
  })

  it('shows cause and code of an error', async () => {
    const error = Object.assign(new Error('saving failed', { cause: new TypeError('the real reason') }), {
      code: 'E_SAVE',
    })
    const [line = ''] = await lines(['log.format=json'], () => log.error(error))
    expect(JSON.parse(line)).toMatchObject({
      msg: 'saving failed',
      err: { name: 'Error', code: 'E_SAVE', cause: { name: 'TypeError', message: 'the real reason' } },
    })
  })
})

function fail(): never {
  throw new Error('got you')
}

describe('texts that are long', () => {
  it.each(['aaaa-', 'a+', '"', 'token=', "'a-", '-----BEGIN '])('are searched for secrets in one pass: %s', (word) => {
    const texts = Array.from({ length: 200 }, () => word.repeat(1 << 18))
    const shown = JSON.stringify(redacted({ texts }, new Set(['correct horse'])))
    expect(shown.length).toBeLessThan(1 << 20)
  })

  it('show no part of a secret at their end', () => {
    const secret = 's'.repeat(1000)
    for (let before = 16 * 1024 - 1000; before < 16 * 1024; before += 100) {
      const shown = JSON.stringify(
        redacted({ text: '.'.repeat(before) + secret + '.'.repeat(1 << 16) }, new Set([secret])),
      )
      expect(shown).not.toContain('sss')
    }
  })
})

describe('secrets are not shown', () => {
  const secrets = new Set(['hunter2 secret', 'p@ss/word'])

  it.each([
    ['by their value', 'it is hunter2 secret.', 'it is [redacted].'],
    ['in a URL', `x?k=${encodeURIComponent('p@ss/word')}`, 'x?k=[redacted]'],
    ['in base64', `x ${Buffer.from('hunter2 secret').toString('base64')}`, 'x [redacted]'],
    [
      'as credentials of a URL',
      'to postgres://u:abc@db/x and redis://:xyz@h',
      'to postgres://u:[redacted]@db/x and redis://:[redacted]@h',
    ],
    ['as a header', 'Authorization: Bearer abcdef.ghijkl', 'Authorization: Bearer [redacted]'],
    ['as a parameter', '/a?user=me&access_token=abc&x=1', '/a?user=me&access_token=[redacted]&x=1'],
    ['as a setting', 'PASSWORD=abc host=x', 'PASSWORD=[redacted] host=x'],
    ['in JSON', '{"apiKey":"a","client_secret": "b"}', '{"apiKey":"[redacted]","client_secret": "[redacted]"}'],
    ['as a key', 'k -----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY----- z', 'k [redacted] z'],
  ])('%s', (_, text, shown) => {
    expect(redactedText(text, secrets)).toBe(shown)
    expect(redactedText(shown, secrets)).toBe(shown)
  })

  it('and other text stays unchanged', () => {
    for (const text of ['the token is not valid', 'http://host:80/path@x', 'a: b', 'tokens=5'])
      expect(redactedText(text, secrets)).toBe(text)
  })

  it('in fields of such names, at any depth', () => {
    expect(
      redacted(
        {
          headers: new Headers({ authorization: 'x', 'set-cookie': 'y' }),
          db: { DB_PASSWORD: 1, clientSecret: 2, user: 'me' },
        },
        secrets,
      ),
    ).toEqual({
      headers: { authorization: '[redacted]', 'set-cookie': '[redacted]' },
      db: { DB_PASSWORD: '[redacted]', clientSecret: '[redacted]', user: 'me' },
    })
  })
})
