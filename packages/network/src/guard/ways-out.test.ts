import { beforeAll, describe, expect, it } from 'vitest'
import { classify, knownNames } from './ways-out/known.ts'
import { type NamesOfNode, namesOfNode } from './ways-out/names.ts'
import { waysOutPage } from './ways-out/page.ts'
import { refusedWays } from './ways-out/refused.ts'

let found: readonly NamesOfNode[] = []

beforeAll(async () => {
  found = await namesOfNode()
})

const whatToDo =
  'Decide for each name whether it can open a connection, ask DNS, ' +
  'listen, start a program or thread, load native code, or hand work to ' +
  'another thread. If not, add it to `harmless` in ' +
  'packages/network/src/guard/ways-out/known-*.ts; if the guard keeps its traffic in the ' +
  'overlay, to `routed` with a test; otherwise to refused-*.ts, with ' +
  'a call in refused.test.ts. Then run this file with -u, for the docs'

it('knows every name of this Node', () => {
  expect(found.map((names) => Object.keys(names).length > 50)).toEqual([true, true, true, true])
  const unknown = new Set<string>()
  for (const [module, names] of found.flatMap((each) => Object.entries(each))) {
    for (const [name, alias] of Object.entries(names)) {
      if (classify(module, name) === undefined && !isHarmlessAlias(alias)) unknown.add(`${module} ${name}`)
    }
  }
  // In the failure message, the advice comes first.
  expect(unknown.size === 0 ? [] : [whatToDo, ...unknown]).toEqual([])
})

/**
 * An object that is refused under one name must be refused under all: a replaced property leaves the others unchanged.
 */
function isHarmlessAlias(path: string | null): boolean {
  if (path === null) return false
  const [module = '', name = ''] = path.split(' ')
  const same = classify(module, name)
  return same === 'harmless' || same === 'routed'
}

describe('the table', () => {
  it('has no name twice', () => {
    const all = [
      ...Object.entries(knownNames).flatMap(([module, { harmless, routed = {} }]) =>
        [harmless, ...Object.values(routed)].flatMap((names) => names.split(' ').map((name) => `${module} ${name}`)),
      ),
      ...refusedWays.flatMap(({ module, names }) => names.split(' ').map((name) => `${module} ${name}`)),
    ]
    expect(all.filter((name, at) => all.indexOf(name) !== at)).toEqual([])
  })

  it('has no name that no supported Node has', () => {
    const present = new Set(
      found
        .flatMap((each) => Object.entries(each))
        .flatMap(([module, names]) => Object.keys(names).map((name) => `${module} ${name}`)),
    )
    const gone = [
      ...refusedWays.flatMap(({ module, names }) => names.split(' ').map((name) => `${module} ${name}`)),
    ].filter((name) => !present.has(name))
    expect(gone.filter((name) => !ofOtherVersions.test(name))).toEqual([])
  })

  it('classifies members of a class by the class, if they have no row of their own', () => {
    expect(classify('crypto', 'Hash.prototype.update')).toBe('harmless')
    expect(classify('crypto', 'Hash')).toBe('harmless')
    expect(classify('net', 'Socket.prototype.dial')).toBeUndefined()
    expect(classify('net', 'Socket.prototype.connect')).toBe('routed')
    expect(classify('nothing', 'here')).toBeUndefined()
  })
})

it('matches the docs', async () => {
  await expect(waysOutPage()).toMatchFileSnapshot('../../../../docs/ways-out.md')
})

/** Names that exist only in one supported Node, in some builds, or with a flag that one of them lacks. */
const ofOtherVersions =
  /^(?:node:quic |node:ffi |globalThis Worker$|dgram (?:_createSocketHandle|Socket.prototype.(?:bind|connect)Sync)$)/
