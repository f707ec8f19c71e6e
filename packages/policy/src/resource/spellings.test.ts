import { canonicalHost, entryId } from '@troupe/core'
import { mkdtempSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { newActor } from '../actor.ts'
import { Security } from '../security.ts'
import { policySet, type SomeFields } from '../testing/policies.ts'
import { hosts, spellingsOf } from '../testing/spellings.ts'

const id = 'p:p'
const ask = (
  fields: SomeFields,
  action: string,
  resource: string,
  variables?: (name: string) => readonly [string, ...string[]],
) =>
  new Security({
    policies: policySet({ [id]: fields }),
    strictMode: false,
    ...(variables && { variables }),
    log: () => undefined,
  }).evaluate([entryId(id)], newActor('ann'), action, resource)
const hostActions = ['socket.connect', 'socket.listen', 'socket.resolve', 'socket.private_ip', 'http_client.private_ip']

describe('10,000 spellings of 50 hosts', () => {
  it('are that many', () => {
    expect(new Set(hosts).size).toBe(50)
  })

  it.each(hosts)('%s', (host) => {
    expect(canonicalHost(host)).toBe(host)
    const other = hosts[(hosts.indexOf(host) + 1) % hosts.length] ?? host
    fc.assert(
      fc.property(spellingsOf(host), spellingsOf(host), fc.constantFrom(...hostActions), (asked, written, action) => {
        expect(canonicalHost(asked)).toBe(host)
        // Whichever spelling either side uses.
        expect(ask({ resources: [written] }, action, asked)).toBe('allow')
        expect(ask({ resources: [written], effect: 'deny' }, action, asked)).toBe('deny')
        expect(ask({ resources: [other] }, action, asked)).toBe('undefined')
        expect(ask({ conditions: [{ field: 'resource', operator: 'eq', value: host }] }, action, asked)).toBe('allow')
      }),
      { numRuns: 200 },
    )
  })

  it('are one host in a URL, too', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...hosts).chain((host) => fc.tuple(fc.constant(host), spellingsOf(host))),
        ([host, spelled]) => {
          const inUrl = spelled.includes(':') ? `[${spelled.replace(/^\[|\]$|%.*$/g, '')}]` : spelled
          const pattern = `http://${host.includes(':') ? `[${host}]` : host}/*`
          expect(ask({ resources: [pattern] }, 'http_client.request', `http://${inUrl}/x`)).toBe('allow')
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('patterns of hosts', () => {
  it.each([
    ['*.example.com', 'API.Example.COM.', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', 'evilexample.com', false],
    ['*.example.com', 'example.com.evil.test', false],
    ['*.BÜCHER.example', 'a.xn--bcher-kva.example', true],
    ['*example.com', 'evilexample.com', true],
    ['*example.com', 'evil.example.com', false],
    ['api.example.com*', 'api.example.com.evil.test', false],
    ['api-*.example.com', 'api-1.example.com', true],
    ['api-*.example.com', 'api-1.evil.example.com', false],
    ['10.*', '10.1.2.3', true],
    ['10.*', '0x0a010203', true],
    ['10.*', '::ffff:10.1.2.3', true],
    ['10.*', '10.evil.test', false],
    ['10.*', '110.1.2.3', false],
    ['fd00:*', 'FD00:0:0::1', true],
    ['*', 'anything.test', true],
    ['http://*', 'anything.test', false],
  ])('%s allows %s: %s', (pattern, host, allowed) => {
    expect(ask({ resources: [pattern] }, 'socket.connect', host)).toBe(allowed ? 'allow' : 'undefined')
  })

  it.each([
    ['*example.com', 'sub.example.com'],
    ['api.example.com*', 'api.example.com.evil.test'],
    ['10.*', '10.evil.test'],
  ])('%s of a policy that denies denies %s, too', (pattern, host) => {
    expect(ask({ resources: [pattern], effect: 'deny' }, 'socket.connect', host)).toBe('deny')
  })

  it.each(['evil.test\0.example.com', '127.0.0.1 ', '%6cocalhost', 'a b', ''])('%j is no host, and denied', (host) => {
    expect(ask({}, 'socket.connect', host)).toBe('deny')
  })
})

describe('a path', () => {
  it('is compared without dots, doubled slashes and links, on both sides', () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-paths-')))
    mkdirSync(join(folder, 'run/app'), { recursive: true })
    symlinkSync(join(folder, 'run'), join(folder, 'var'))
    symlinkSync('/run/secret.sock', join(folder, 'run/app/out.sock'))
    for (const action of ['http_client.unix_socket', 'socket.connect', 'socket.listen']) {
      for (const written of ['run/app/a.sock', 'var/app/a.sock', 'run/app/*', 'var/app/*', 'run//app/./*']) {
        for (const effect of ['allow', 'deny'] as const) {
          const decide = (path: string) =>
            ask({ resources: [`${folder}/${written}`], effect }, action, `${folder}/${path}`)
          for (const path of ['run/app/a.sock', 'var/app/a.sock', 'run/../var/./app//a.sock'])
            expect(decide(path)).toBe(effect)
          for (const path of ['run/app/../other.sock', 'var/app/out.sock', 'run/app/../../a.sock'])
            expect(decide(path)).toBe('undefined')
        }
      }
    }
  })
})

describe('a variable', () => {
  const variables = (name: string): readonly [string, ...string[]] => ['app:secret', name, 'SECRET', 'secret']

  it.each(['app:secret', 'SECRET', 'secret'])('is matched by %s as by its other names', (written) => {
    for (const asked of ['app:secret', 'SECRET', 'secret']) {
      for (const action of ['env.get', 'env.set']) {
        expect(ask({ resources: [written], effect: 'deny' }, action, asked, variables)).toBe('deny')
        expect(ask({ resources: [written] }, action, asked, variables)).toBe('allow')
        expect(
          ask(
            { conditions: [{ field: 'resource', operator: 'eq', value: written }], effect: 'deny' },
            action,
            asked,
            variables,
          ),
        ).toBe('deny')
        expect(
          ask({ conditions: [{ field: 'resource', operator: 'ne', value: 'app:secret' }] }, action, asked, variables),
        ).toBe('undefined')
      }
    }
  })
})
