import { describe, expect, it } from 'vitest'
import { TroupeError } from '@troupe/core'
import { env, log } from '../index.ts'
import { startApp, type TestEntry } from '../test/index.ts'
import { redacted } from './redact.ts'
import { textLine } from './text.ts'

const root = import.meta.dirname
const secret: readonly TestEntry[] = [
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
    // What was said before is written before this is answered.
    await env.get('KEY')
  })
  return heard.filter((line) => line.includes('troupe:probe'))
}

describe('log', () => {
  it('tells people who says it, with fields', async () => {
    expect(
      await lines([], () => {
        log.info('plain')
        log.warn({ url: 'http://x', tries: [1, 2] }, 'slow')
        log.debug('not this')
      }),
    ).toEqual(['troupe:probe <0.1> plain', "WARN troupe:probe <0.1> slow { url: 'http://x', tries: [ 1, 2 ] }"])
  })

  it('tells programs in JSON, at the level that the config says', async () => {
    const [line = '', ...others] = await lines(['log.level=debug', 'log.format=json'], () => log.debug({ n: 1 }, 'fine'))
    expect(others).toEqual([])
    expect(JSON.parse(line)).toEqual({
      level: 20,
      time: expect.any(Number) as number,
      pid: '<0.1>',
      entry: 'troupe:probe',
      n: 1,
      msg: 'fine',
    })
    expect(await lines(['log.level=error'], () => log.warn('not this'))).toEqual([])
  })

  it('shows no secret: neither by its name, nor by its value', async () => {
    const said = await lines([], () => {
      log.info({ auth_key: 'a', nested: { apiKey: 'b', Password: 'c', list: [{ token: 'd' }] }, kept: 'staple' }, 'it is correct horse')
      log.error(new TroupeError('Unavailable', 'with correct horse, no'))
    })
    expect(said[0]).toBe(
      "troupe:probe <0.1> it is [redacted] { auth_key: '[redacted]', nested: { apiKey: '[redacted]', Password: '[redacted]', list: [ { token: '[redacted]' } ] }, kept: 'staple' }",
    )
    expect(said[1]).toMatch(/^ERROR troupe:probe <0\.1> with \[redacted\], no \{ err: \{ name: 'TroupeError', .*kind: 'Unavailable'/)
    expect(said.join()).not.toContain('correct horse')
  })

  it('takes what cannot cross as text', async () => {
    expect(await lines([], () => log.info({ fn: () => 1, big: 1n }, 'odd'))).toEqual(["troupe:probe <0.1> odd { fn: '() => 1', big: '1' }"])
  })
})

describe('redacted', () => {
  it('ends where values are deep, or of their own sort', () => {
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
  it('begins with the time where somebody looks on', () => {
    expect(textLine({ level: 'info', time: 0, message: 'x', fields: {} }, true)).toBe('00:00:00.000 x')
  })
})
