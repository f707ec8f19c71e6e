/** What `troupe check` says of middleware that is wrong. */
import { entryId } from '@troupe/core'
import { load } from 'troupe/app'
import { describe, expect, it } from 'vitest'

async function problems(fields: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const { problems: found } = await load({
    root: import.meta.dirname,
    entries: [
      { id: entryId('app:web'), kind: 'http.service', fields: { addr: ':0' } },
      { id: entryId('app:router'), kind: 'http.router', meta: { server: 'app:web' }, fields },
    ],
  })
  return found.map(({ message }) => message)
}

describe('troupe check', () => {
  it('has nothing to say of middleware that is right', async () => {
    const options = { real_ip: { trusted: ['10.0.0.0/8'] }, rate_limit: { limit: 5, window: '1m', key: { header: 'x-api-key' } } }
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
  ])('tells what is wrong by its path: %j', async (fields, words) => {
    expect(await problems(fields)).toEqual([expect.stringMatching(words)])
  })
})
