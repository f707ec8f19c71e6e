/** The problems that `troupe check` reports for wrong middleware. */
import { load } from 'troupe/app'
import { describe, expect, it } from 'vitest'

async function problems(fields: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const { problems: found } = await load({
    root: import.meta.dirname,
    entries: [
      { id: 'app:web', kind: 'http.service', addr: ':0' },
      { id: 'app:router', kind: 'http.router', meta: { server: 'app:web' }, ...fields },
    ],
  })
  return found.map(({ message }) => message)
}

/** Problems of one connection of a router. */
async function problemsOf(kind: string, fields: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const { problems: found } = await load({
    root: import.meta.dirname,
    entries: [
      { id: 'app:web', kind: 'http.service', addr: ':0' },
      { id: 'app:router', kind: 'http.router', meta: { server: 'app:web' } },
      { id: 'app:host', kind: 'process.host' },
      { id: 'app:talk', kind: 'process.ts', source: 'file://check.test.ts' },
      { id: 'app:line', kind, meta: { router: 'app:router' }, path: '/line', ...fields },
    ],
  })
  return found.map(({ message }) => message)
}

describe('troupe check', () => {
  it('finds no problem in correct middleware', async () => {
    const options = {
      real_ip: { trusted: ['10.0.0.0/8'] },
      rate_limit: { limit: 5, window: '1m', key: { header: 'x-api-key' } },
    }
    expect(await problems({ middleware: ['real_ip', 'rate_limit', 'cors'], options })).toEqual([])
  })

  it.each([
    [{ middleware: ['core'] }, /^middleware\[0\]: .*cors/],
    [{ options: { cors: { origin: ['*'] } } }, /^options\.cors\.origin: there is no such field.*origins/],
    [{ options: { rate_limit: { window: 'often' } } }, /^options\.rate_limit\.window: expected a duration/],
    [{ options: { real_ip: { trusted: ['10.0.0.0/99'] } } }, /^options\.real_ip\.trusted\[0\]: expected a network/],
    [{ options: { token_auth: { store: 'app:none' } } }, /^options\.token_auth\.store: .*app:none/],
    [{ options: { token_auth: { store: 'app:web' } } }, /^options\.token_auth\.store: .*http\.service/],
    [{ middleware: ['real_ip'] }, /^options: real_ip needs real_ip: \{ trusted/],
    [{ middleware: ['token_auth'] }, /^options: token_auth needs token_auth: \{ store/],
    [{ middleware: ['cors', 'cors'] }, /^middleware\[1\]: cors is in the list already/],
  ])('reports problems by their path: %j', async (fields, words) => {
    expect(await problems(fields)).toEqual([expect.stringMatching(words)])
  })

  it.each(['http.websocket', 'http.events'])('requires the identity for a connection of %s', async (kind) => {
    const own = { process: 'app:talk', host: 'app:host' }
    expect(await problemsOf(kind, own)).toEqual([])
    expect(await problemsOf(kind, { target: 'room' })).toEqual([])
    expect(await problemsOf(kind, {})).toEqual([
      'process: expected the process that runs for each connection, or a target',
    ])
    expect(await problemsOf(kind, { process: 'app:talk' })).toEqual([
      'host: expected the host that the process runs in',
    ])
    expect(await problemsOf(kind, { ...own, target: 'room' })).toEqual([
      'target: expected either a process for each connection, or a target for all',
    ])
    expect(await problemsOf(kind, { ...own, process: 'app:none' })).toEqual([
      expect.stringMatching(/^process: .*app:none/),
    ])
    expect(await problemsOf(kind, { ...own, close_timeout: 'soon' })).toEqual([
      expect.stringMatching(/^close_timeout: expected a duration/),
    ])
  })
})
