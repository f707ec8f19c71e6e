import { describe, expect, it } from 'vitest'
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { eventsParts } from './reference-events.ts'
import { fieldsOf } from './reference-schema.ts'
import { aboutKind, sourceOf } from './reference-sources.ts'
import { withoutMeaning } from './reference.ts'

describe('the fields of a schema', () => {
  it('have a path, a type and a default', () => {
    const placeholder = { type: 'string', pattern: '\\$\\{' }
    const schema = {
      required: ['host'],
      properties: {
        host: { type: 'string', title: 'the id of an entry of the kind process.host' },
        port: { anyOf: [{ type: 'integer', minimum: 1, maximum: 65_535 }, placeholder], default: 9050 },
        delay: { type: 'string', title: 'a duration such as 10s', description: 'A time.', default: '10s' },
        mode: { enum: ['a', 'b'], type: 'string' },
        proxies: { type: 'array', items: { type: 'object', properties: { host: { type: 'string' } } } },
        values: { type: 'object', additionalProperties: { type: 'object', properties: { on: { type: 'boolean' } } } },
      },
    }
    const rows = fieldsOf(schema).map(({ path, type, isRequired, preset, meaning }) => [
      path,
      type,
      isRequired,
      preset,
      meaning,
    ])
    expect(rows).toEqual([
      ['host', 'id of `process.host`', true, undefined, ''],
      ['port', 'integer from 1 to 65535', false, '`9050`', ''],
      ['delay', 'duration', false, '`10s`', 'A time.'],
      ['mode', '`a`, `b`', false, undefined, ''],
      ['proxies', 'list of object', false, undefined, ''],
      ['proxies[].host', 'text', false, undefined, ''],
      ['values', 'mapping', false, undefined, ''],
      ['values.*.on', 'boolean', false, undefined, ''],
    ])
  })
})

describe('the sources', () => {
  it('have the comment and the example of a kind', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-reference-'))
    const kind = [
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
      '})',
    ]
    const source = join(folder.path, 'packages/p/src/kind.ts')
    mkdirSync(dirname(source), { recursive: true })
    writeFileSync(source, kind.join('\n'))
    const file = sourceOf(folder.path, 'network.proxy') ?? ''
    expect(file).toBe('packages/p/src/kind.ts')
    expect(aboutKind(folder.path, file, 'network.proxy')).toEqual({ about: 'A proxy.', example: '- name: proxy\n' })
  })
})

describe('events', () => {
  it('have the fields of their interface, and of the one that it extends', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-events-'))
    const files = {
      'packages/process/src/thread/process/event-queue.ts':
        "export type ProcessEvent =\n  /** It ends. */\n  | { readonly type: 'END'; readonly from: Pid }\n\nx",
      'packages/p/src/lost.ts':
        'export interface Lost {\n  /** The sender. */\n  readonly from: Pid\n  readonly kept?: Uint8Array\n}\n',
      'packages/p/src/letter.ts':
        "export type State = 'up' | 'down'\n" +
        '/** An event of the channel `troupe:letter`: it is lost. */\n' +
        "export interface Letter extends Omit<Lost, 'kept'> {\n" +
        '  /** The state. */\n  readonly state?: State\n' +
        '  readonly parts: readonly {\n    readonly id: EntryId\n  }[]\n}\n',
    }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.path, path)), { recursive: true })
      writeFileSync(join(folder.path, path), text)
    }
    const page = eventsParts(folder.path).join('\n')
    expect(page).toContain(
      '### `troupe:letter`\nIt is lost.\n| field | type | meaning |\n| --- | --- | --- |\n' +
        '| `from` | pid | The sender. |\n' +
        '| `state` | `up`, `down`, if any | The state. |\n' +
        '| `parts` | list of `{ id }` |  |',
    )
    expect(page).toContain('| `END` | `from` | It ends. |')
  })
})

describe('a page', () => {
  it('states a meaning in each row', () => {
    const page = [
      '## `a`\n',
      '| field | type | meaning |',
      '| --- | --- | --- |',
      '| `host` | text | Where it listens. |',
      '| `port` | integer |  |',
      '\n## `b`\n',
      '| action | resource | values in `meta` |',
      '| --- | --- | --- |',
      '| `network.select` | overlay | |',
    ]
    expect(withoutMeaning(page.join('\n'))).toEqual(['`port`'])
  })
})
