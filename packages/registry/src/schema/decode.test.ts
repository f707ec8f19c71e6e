import { type EntryId, entryId } from '@troupe/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decodeEntry } from './decode.ts'
import { entryFromInput } from '../entries/entry.ts'
import { duration, port, reference, sourceFile } from './fields.ts'
import { defineKind, type Kind } from './kind.ts'
import { code, host, router, socks5 } from '../testing/kinds.ts'

const variables: Readonly<Record<string, string>> = { PORT: '9050', ON: 'true', SECRET: 'hunter2', NAME: 'proxy' }

function decode<K extends Kind>(kind: K, fields: Record<string, unknown>, meta: Record<string, unknown> = {}) {
  const entry = entryFromInput({ id: entryId('app:entry'), kind: kind.kind, fields, meta })
  return decodeEntry(kind, entry, { folder: '/srv/app', variable: (name) => variables[name] })
}

function messages(result: { readonly problems: readonly { readonly message: string }[] }): readonly string[] {
  return result.problems.map(({ message }) => message)
}

describe('fields', () => {
  it('are camelCase in TypeScript and snake_case in YAML, with defaults', () => {
    const { decoded } = decode(socks5, {
      host: 'a',
      port: 1,
      isolate_streams: true,
      options: { 'inbound.length': 1, keepAsIs: 2 },
    })
    expect(decoded?.fields).toEqual({
      host: 'a',
      port: 1,
      isolateStreams: true,
      options: { 'inbound.length': 1, keepAsIs: 2 },
    })
    expect(messages(decode(socks5, { host: 'a', port: 1, isolateStreams: true }))).toEqual([
      'isolateStreams: there is no such field; did you mean "isolate_streams"?',
    ])
  })

  it('are refused in nested mappings too', () => {
    expect(messages(decode(host, { host: { isolation: 'thread', queue_sise: 3, queue_size: 0 } }))).toEqual([
      'host.queue_sise: there is no such field; did you mean "queue_size"?',
      'host.queue_size: too small: expected number to be >=1',
    ])
  })

  it('that are required are reported, in YAML terms', () => {
    const kind = defineKind({ kind: 'test.kind', fields: z.strictObject({ firstThing: z.string() }) })
    expect(messages(decode(kind, {}))).toEqual(['first_thing: is required: expected string'])
  })

  it('of a union report the problem of the option that was meant', () => {
    expect(messages(decode(code, { source: 'file://a.ts', pool: { max: 1, idle_timeot: '1s' } }))).toEqual([
      'pool.idle_timeot: there is no such field; did you mean "idle_timeout"?',
    ])
    expect(messages(decode(code, { source: 'file://a.ts', pool: { max: 'x' } }))).toEqual([
      'pool.max: expected number, received string',
    ])
    expect(messages(decode(code, { source: 'file://a.ts', pool: 'inlin' }))).toEqual([
      'pool: expected "inline" or object',
    ])
  })
})

describe('reference', () => {
  it('is found and resolved in arrays, objects, records, unions and meta', () => {
    const { decoded } = decode(
      router,
      { overlay: ['one', 'net:two'], routes: [{ path: '/', through: 'three' }], by_name: { 'a.b': 'four' } },
      { server: 'five', options: { network: 'six' }, free: { key: 'stays' } },
    )
    expect(decoded?.fields).toEqual({
      overlay: ['app:one', 'net:two'],
      routes: [{ path: '/', through: 'app:three' }],
      byName: { 'a.b': 'app:four' },
    })
    expect(decoded?.meta).toEqual({ server: 'app:five', options: { network: 'app:six' }, free: { key: 'stays' } })
    expect(decoded?.references).toEqual([
      { id: 'app:one', kinds: ['network.*'], path: ['overlay', 0] },
      { id: 'net:two', kinds: ['network.*'], path: ['overlay', 1] },
      { id: 'app:three', kinds: [], path: ['routes', 0, 'through'] },
      { id: 'app:four', kinds: ['network.*'], path: ['by_name', 'a.b'] },
      { id: 'app:five', kinds: ['process.service'], path: ['meta', 'server'] },
      { id: 'app:six', kinds: ['network.*'], path: ['meta', 'options', 'network'] },
    ])
  })

  it('is typed as an id', () => {
    const kind = defineKind({
      kind: 'test.kind',
      fields: z.strictObject({ to: reference().optional(), all: z.array(reference()).default([]) }),
    })
    const { decoded } = decode(kind, { to: 'x' })
    const to: EntryId | undefined = decoded?.fields.to
    expect(to).toBe('app:x')
  })

  it('keeps its role under refinements, wrappers and lazy schemas', () => {
    const kind = defineKind({
      kind: 'test.kind',
      fields: z.strictObject({
        a: reference()
          .refine((id) => id !== 'app:no', 'not that one')
          .describe('x'),
        b: z.lazy(() => z.tuple([reference('x'), z.string()])).nullable(),
        c: z.discriminatedUnion('by', [
          z.strictObject({ by: z.literal('id'), of: reference() }),
          z.strictObject({ by: z.literal('name'), of: z.string() }),
        ]),
      }),
    })
    const { decoded } = decode(kind, { a: 'y', b: ['p', 'q'], c: { by: 'name', of: 'r' } })
    expect(decoded?.fields).toEqual({ a: 'app:y', b: ['app:p', 'q'], c: { by: 'name', of: 'r' } })
    expect(decoded?.references.map(({ id }) => id)).toEqual(['app:y', 'app:p'])
  })

  it.each([['not an id!'], [7], [''], ['a:b:c']])('refuses %j', (value) => {
    const kind = defineKind({ kind: 'test.kind', fields: z.strictObject({ to: reference() }) })
    expect(messages(decode(kind, { to: value }))).toEqual(['to: expected the id of an entry ("namespace:name")'])
  })
})

describe('meta', () => {
  it('pins an overlay, the clear network, or nothing', () => {
    const network = (value: unknown) => decode(socks5, { host: 'a', port: 1 }, { options: { network: value } })
    expect(network('proxy').decoded?.meta.options).toEqual({ network: 'app:proxy' })
    expect(network(null).decoded?.meta.options).toEqual({ network: null })
    expect(network('').decoded?.meta.options?.network).toBeUndefined()
    expect(messages(network(5))).toEqual([
      'meta.options.network: expected the id of an overlay, or null for the clear network',
    ])
  })

  it('describes a command', () => {
    const fields = { host: 'a', port: 1 }
    expect(decode(socks5, fields, { command: { name: 'probe', short: 'Show' } }).decoded?.meta.command).toEqual({
      name: 'probe',
      short: 'Show',
    })
    expect(messages(decode(socks5, fields, { command: { name: 'two words' } }))).toEqual([
      'meta.command.name: expected a word: letters, digits, ".", "-" and "_"',
    ])
  })
})

describe('placeholders', () => {
  it('resolve to strings, and alone also to numbers and booleans', () => {
    const { decoded } = decode(socks5, {
      host: '${HOST|a}.${env:NAME}',
      port: '${env:PORT}',
      isolate_streams: '${ON}',
      password: '$${SECRET}',
    })
    expect(decoded?.fields).toEqual({ host: 'a.proxy', port: 9050, isolateStreams: true, password: '${SECRET}' })
  })

  it('do not become numbers inside other text, or without a placeholder', () => {
    expect(messages(decode(socks5, { host: 'a', port: '1${PORT}' }))).toEqual([
      'port: expected number, received string',
    ])
    expect(messages(decode(socks5, { host: 'a', port: '9050' }))).toEqual(['port: expected number, received string'])
    expect(decode(socks5, { host: '${PORT}', port: 1 }).decoded?.fields.host).toBe('9050')
  })

  it('work for references too', () => {
    expect(decode(router, { overlay: '${NAME}' }, { server: 'x' }).decoded?.fields.overlay).toBe('app:proxy')
  })

  it('that name nothing are reported once, beside other problems', () => {
    expect(messages(decode(socks5, { host: '${NOPE}', port: '${NEITHER}', password: '${', nme: 1 }))).toEqual([
      'host: the variable NOPE is not set and has no default',
      'port: the variable NEITHER is not set and has no default',
      expect.stringMatching(/^password: a placeholder "\$\{" is never closed/),
      'nme: there is no such field',
    ])
  })

  it('never show their values', () => {
    const secret = {
      host: '${SECRET}',
      port: '${SECRET}',
      isolate_streams: '${SECRET}',
      options: '${SECRET}',
      password: ['${SECRET}'],
    }
    const result = decode(socks5, secret, {
      command: { name: '${SECRET} ${SECRET}' },
      options: { network: '!${SECRET}' },
    })
    expect(result.problems).toHaveLength(6)
    expect(JSON.stringify(result.problems)).not.toContain('hunter2')
  })
})

describe('helpers', () => {
  const kind = defineKind({
    kind: 'test.kind',
    fields: z.strictObject({ wait: duration().default(5_000), file: sourceFile().optional(), at: port().optional() }),
  })

  it('duration', () => {
    expect(decode(kind, {}).decoded?.fields.wait).toBe(5_000)
    expect(decode(kind, { wait: '1m30s' }).decoded?.fields.wait).toBe(90_000)
    expect(messages(decode(kind, { wait: 5 }))).toEqual(['wait: expected a duration such as "250ms", "10s" or "1m30s"'])
    expect(messages(decode(kind, { wait: 'soon' }))).toEqual([
      'wait: expected a duration such as "250ms", "10s" or "1m30s"',
    ])
    expect(messages(decode(kind, { wait: '-1s' }))).toEqual(['wait: a duration cannot be negative'])
  })

  it('sourceFile', () => {
    const result = decode(kind, { file: 'file://lib/../a.ts' })
    expect(result.decoded?.fields.file).toBe('/srv/app/a.ts')
    expect(result.decoded?.files).toEqual([{ file: '/srv/app/a.ts', path: ['file'] }])
    expect(messages(decode(kind, { file: 'a.ts' }))).toEqual(['file: expected a file such as "file://main.ts"'])
  })

  it.each([0, 65_536, 1.5, '80'])('port refuses %j', (value) => {
    expect(decode(kind, { at: value }).problems).toHaveLength(1)
  })
})

it('accept any value, and report each problem by its path', () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom('host', 'port', 'routes', 'overlay', 'by_name', 'source', 'pool', 'x'),
        fc.jsonValue(),
      ),
      fc.jsonValue(),
      (fields, meta) => {
        for (const kind of [socks5, code, router, host]) {
          for (const { message, path } of decode(kind, fields, { command: meta, options: meta }).problems)
            expect(message.startsWith(path ?? '?')).toBe(true)
        }
      },
    ),
  )
})
