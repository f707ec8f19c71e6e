import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCommands, UnsupportedSyntax } from './parse.ts'
import { soleProgram } from './sole-program.ts'

const env = new Map([
  ['HOME', '/home/ada'],
  ['TWO', 'a b'],
])
const sole = (text: string, folder = '/') =>
  soleProgram(parseCommands(text), { env, parameters: ['sh', 'x', 'y z'], folder })

describe('a command of one program', () => {
  it.each([
    ['node app.js', ['node', 'app.js']],
    [`node -e 'a "b" $HOME'`, ['node', '-e', 'a "b" $HOME']],
    [`node "a $HOME" b\\ c`, ['node', 'a /home/ada', 'b c']],
    ['node $TWO "$TWO" $NONE "$NONE"', ['node', 'a', 'b', 'a b', '']],
    ['node a$TWO', ['node', 'aa', 'b']],
    ['node ${NONE:-x} ${HOME}', ['node', 'x', '/home/ada']],
    ['node "$@" $1', ['node', 'x', 'y z', 'x']],
    ['  node a # comment', ['node', 'a']],
    ['node a#b "a\\"b"', ['node', 'a#b', 'a"b']],
    ['node "$" $', ['node', '$', '$']],
    [`node $'it\\'s\\ta\\x41\\u00e9\\101 \\q' "$'"`, ['node', "it's\ta\x41\u00e9A \\q", "$'"]],
  ])('%s', (text, args) => {
    expect(sole(text)?.args).toEqual(args)
  })

  it('may have variables of its own', () => {
    expect(sole('A=1 B="$HOME x" node')?.env.get('B')).toBe('/home/ada x')
  })

  it('may name files by a pattern', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-shell-'))
    for (const name of ['b.js', 'a.js', 'c.ts']) writeFileSync(join(folder.path, name), '')
    expect(sole('node *.js "*.js" *.none', folder.path)?.args).toEqual(['node', 'a.js', 'b.js', '*.js', '*.none'])
  })

  it.each(['node a && node b', 'node a; node b', 'node a | node b', '! node', 'node > file', 'echo a', ''])(
    'is not: %s',
    (text) => {
      expect(sole(text)).toBeUndefined()
    },
  )
})

describe('other syntax is refused', () => {
  it.each([
    'node & node',
    'node $(id)',
    'node `id`',
    'node "$(id)"',
    '(node)',
    'if true; then node; fi',
    'f() { node; }',
    'eval node',
    '. ./script',
    'node <<EOF',
    'node ~/x',
    'node {a,b}',
    'node ${HOME%x}',
    "node 'open",
    'node "open',
    'node &&',
    '&& node',
    'node | | node',
    'node >',
    'node $*',
    "node $'a",
    'set -x',
    'set',
    'set -o noglob',
    'set -e x',
    'set $FLAGS',
    'command node',
    'trap node EXIT',
  ])('%s', (text) => {
    expect(() => parseCommands(text)).toThrow(UnsupportedSyntax)
  })
})
