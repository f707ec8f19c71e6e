import { entryId, TroupeError } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { formatDiagnostic, diagnosticsError } from './diagnostic.ts'
import { Registry } from '../registry.ts'
import { appFolder } from '../testing/app-folder.ts'
import { kinds } from '../testing/kinds.ts'

async function problemsOf(
  files: Readonly<Record<string, string>>,
): Promise<{ readonly registry: Registry; readonly problems: readonly string[] }> {
  using folder = appFolder(files)
  const registry = new Registry({ kinds })
  await registry.load(folder.path)
  const problems = registry
    .check()
    .map((problem) => `${problem.code} ${formatDiagnostic(problem, folder.path)}`.replaceAll(folder.path, '<folder>'))
  return { registry, problems }
}

describe('bad input', () => {
  const bad: readonly (readonly [string, string, string])[] = [
    [
      'YAML that does not parse',
      'a:\n  b: c: d\n',
      'yaml app.yaml:2:7: this is not YAML: bad indentation of a mapping entry',
    ],
    ['no namespace', 'entries: []\n', 'document app.yaml:1:1: namespace: is required'],
    [
      'an invalid namespace',
      'namespace: "a b"\nentries: []\n',
      'document app.yaml:1:12: namespace: expected a word of letters, ' +
        'digits, ".", "-" and "_" that begins with a letter or "_"',
    ],
    [
      'entries that are no list',
      'namespace: app\nentries: 7\n',
      'document app.yaml:2:10: entries: expected a list of entries',
    ],
    [
      'entries misspelt',
      'namespace: app\nentires: []\n',
      'document app.yaml:2:1: expected "entries", or "name" and "kind", not "entires"',
    ],
    [
      'an invalid entry',
      'namespace: app\nentries:\n  - 7\n',
      'document app.yaml:3:5: expected an entry: a mapping with "name" and "kind"',
    ],
    [
      'an unknown key of a document',
      'namespace: app\nentries: []\nverson: 1\n',
      'document app.yaml:3:1: verson: there is no such field; did you mean "version"?',
    ],
    [
      'an entry without a kind',
      entry('name: x', 'knd: test.link'),
      'document app.yaml:4:5: kind: is required, not "knd"',
    ],
    [
      'a name that is a number',
      entry('name: 7', 'kind: test.link'),
      'document app.yaml:3:11: name: expected a word of letters, ' +
        'digits, ".", "-" and "_" that begins with a letter or "_"',
    ],
    [
      'an unknown kind',
      entry('name: x', 'kind: network.sock5'),
      'unknown-kind app.yaml:4:11: app:x: kind: there is no kind "network.sock5"; did you mean "network.socks5"?',
    ],
    [
      'an unknown field',
      entry('name: x', 'kind: network.socks5', 'host: a', 'prot: 1', 'port: 1'),
      'unknown-field app.yaml:6:5: app:x: prot: there is no such field; did you mean "port"?',
    ],
    [
      'a wrong type',
      entry('name: x', 'kind: network.socks5', 'host: 7', 'port: 1'),
      'invalid-field app.yaml:5:11: app:x: host: expected string, received number',
    ],
    [
      'a missing field',
      entry('name: x', 'kind: network.socks5', 'host: a'),
      'invalid-field app.yaml:3:5: app:x: port: is required: expected number',
    ],
    [
      'a port out of range',
      entry('name: x', 'kind: network.socks5', 'host: a', 'port: 65536'),
      'invalid-field app.yaml:6:11: app:x: port: too big: expected number to be <=65535',
    ],
    [
      'an unknown reference',
      entry('name: first', 'kind: test.link', 'to:', '  - frist'),
      'dangling-reference app.yaml:6:9: app:first: to[0]: there is no entry app:frist; did you mean "app:first"?',
    ],
    [
      'a reference to a wrong kind',
      `${entry('name: x', 'kind: test.link')}    meta: { options: { network: x } }\n`,
      'wrong-kind app.yaml:5:33: app:x: meta.options.network: app:x is of the kind test.link; expected network.*',
    ],
    [
      'a missing module',
      entry('name: x', 'kind: process.ts', 'source: file://no.ts'),
      'missing-file app.yaml:5:13: app:x: source: there is no file <folder>/no.ts',
    ],
    [
      'a missing variable',
      entry('name: x', 'kind: network.socks5', 'host: ${env:TROUPE_TEST_NONE}', 'port: 1'),
      'missing-variable app.yaml:5:11: app:x: host: the variable TROUPE_TEST_NONE is not set and has no default',
    ],
    [
      'meta that is no mapping',
      entry('name: x', 'kind: test.link', 'meta: 7'),
      'document app.yaml:5:11: x: meta: expected a mapping',
    ],
  ]

  it.each(bad)('%s', async (_, text, expected) => {
    const { problems } = await problemsOf({ 'app.yaml': text })
    // A pin that refers to its own entry is also a circle.
    expect(problems.filter((problem) => !problem.startsWith('cycle'))).toEqual([expected])
  })

  it('an id that is defined twice: both positions', async () => {
    const text = entry('name: x', 'kind: test.link')
    using folder = appFolder({ 'a.yaml': text, 'b.yaml': text })
    const registry = new Registry({ kinds })
    await registry.load(folder.path)
    expect(registry.check().map((problem) => formatDiagnostic(problem))).toEqual([
      `${folder.file('b.yaml')}:3:5: app:x: the entry app:x is already defined at ${folder.file('a.yaml')}:3:5`,
    ])
  })

  it('a cycle: each edge with its position', async () => {
    const text = `${entry('name: x', 'kind: test.link', 'to: [y]')}  - name: y\n    kind: test.link\n    to: [x]\n`
    const { registry, problems } = await problemsOf({ 'app.yaml': text })
    expect(problems).toEqual([
      expect.stringMatching(
        new RegExp(
          String.raw`^cycle app\.yaml:5:10: app:x: entries need each other in a circle: app:x → app:y → app:x; ` +
            String.raw`by app:x to\[0\] \(.*app\.yaml:5:10\), app:y to\[0\] \(.*app\.yaml:8:10\)$`,
        ),
      ),
    ])
    expect(() => registry.order()).toThrow(TroupeError)
  })

  it('all of it at once, by file and line', async () => {
    const { problems } = await problemsOf({
      'b.yaml': 'a: [',
      'a.yaml':
        `${entry('name: x', 'kind: network.socks5', 'host: 7', 'port: 0')}  - name: x\n` +
        '    kind: test.link\n  - name: y\n    kind: test.lnk\n',
    })
    expect(problems.map((problem) => problem.split(':').slice(0, 3).join(':'))).toEqual([
      'invalid-field a.yaml:5:11',
      'invalid-field a.yaml:6:11',
      'duplicate-entry a.yaml:7:5',
      'unknown-kind a.yaml:10:11',
      'yaml b.yaml:1:5',
    ])
  })

  it('becomes one error with all problems', async () => {
    using folder = appFolder({ 'a.yaml': entry('name: x', 'kind: network.socks5', 'host: 7', 'port: 0') })
    const registry = new Registry({ kinds })
    await registry.load(folder.path)
    const error = diagnosticsError(registry.check())
    expect(error).toMatchObject({ kind: 'Invalid', details: { problems: [{ path: 'host' }, { path: 'port' }] } })
    expect(error.message).toMatch(/^2 problems:\n {2}.*a\.yaml:5:11: app:x: host: .*\n {2}.*a\.yaml:6:11/)
    expect(() => registry.decode(entryId('app:x'))).toThrow(error.message)
  })
})

function entry(...lines: readonly string[]): string {
  return `namespace: app\nentries:\n  - ${lines.join('\n    ')}\n`
}
