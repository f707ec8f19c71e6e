import { describe, expect, it } from 'vitest'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fieldsOf } from './reference-schema.ts'
import { aboutKind, commentsOf, sourceOf } from './reference-sources.ts'

describe('the fields of a schema', () => {
  it('have a path, a type and a default', () => {
    const placeholder = { type: 'string', pattern: '\\$\\{' }
    const schema = {
      required: ['host'],
      properties: {
        host: { type: 'string', description: 'the id of an entry of the kind process.host' },
        port: { anyOf: [{ type: 'integer', minimum: 1, maximum: 65_535 }, placeholder], default: 9050 },
        delay: { type: 'string', description: 'a duration such as 10s', default: '10s' },
        mode: { enum: ['a', 'b'], type: 'string' },
        proxies: { type: 'array', items: { type: 'object', properties: { host: { type: 'string' } } } },
        values: { type: 'object', additionalProperties: { type: 'object', properties: { on: { type: 'boolean' } } } },
      },
    }
    const rows = fieldsOf(schema).map(({ path, type, isRequired, preset }) => [path, type, isRequired, preset])
    expect(rows).toEqual([
      ['host', 'id of `process.host`', true, undefined],
      ['port', 'integer from 1 to 65535', false, '`9050`'],
      ['delay', 'duration', false, '`10s`'],
      ['mode', '`a`, `b`', false, undefined],
      ['proxies', 'list of object', false, undefined],
      ['proxies[].host', 'text', false, undefined],
      ['values', 'mapping', false, undefined],
      ['values.*.on', 'boolean', false, undefined],
    ])
  })
})

describe('the comments of a source', () => {
  it('belong to a key that is defined once', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-reference-'))
    const kind = [
      "import { part } from './part.ts'",
      '/**',
      ' * A proxy.',
      ' *',
      ' * @example',
      ' * ```yaml',
      ' * - name: proxy',
      ' * ```',
      ' */',
      'export const proxyKind = defineKind({',
      "  kind: 'network.proxy',",
      '  fields: z.strictObject({',
      '    /** Where it listens. */',
      '    listenHost: z.string(),',
      '    /** A number. @default the usual one */',
      '    port: z.int(),',
      '    /** Of this, or of the part. */',
      '    key: z.string(),',
      '  }),',
      '})',
    ]
    const files = {
      'packages/p/src/kind.ts': kind.join('\n'),
      'packages/p/src/part.ts': 'export const part = z.strictObject({\n  key: z.string(),\n})',
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.path, path)), { recursive: true })
      writeFileSync(join(folder.path, path), text)
    }
    const file = sourceOf(folder.path, 'network.proxy') ?? ''
    expect(file).toBe('packages/p/src/kind.ts')
    expect([...commentsOf(folder.path, file)]).toEqual([
      ['listen_host', 'Where it listens.'],
      ['port', 'A number. Default: the usual one'],
    ])
    expect(aboutKind(folder.path, file, 'network.proxy')).toEqual({ about: 'A proxy.', example: '- name: proxy\n' })
  })
})
