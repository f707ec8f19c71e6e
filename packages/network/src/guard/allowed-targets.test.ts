import { mkdirSync, mkdtempDisposableSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AllowedTargets } from './allowed-targets.ts'

const targets = new AllowedTargets(['127.0.0.0/8', '::1', 'db.internal', '*.test', '10.1.2.3'])

it.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['0x7f.1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['a.localhost', true],
  ['::1', true],
  ['10.1.2.3', true],
  ['10.1.2.4', false],
  ['128.0.0.1', false],
  ['db.internal', true],
  ['DB.Internal.', true],
  ['x.db.internal', false],
  ['db.internal.example.org', false],
  ['a.test', true],
  ['a.b.test', true],
  ['test', false],
  ['atest', false],
  ['example.org', false],
  ['', false],
])('allows %s: %s', (host, isAllowed) => {
  expect(targets.hasHost(host)).toBe(isAllowed)
})

it('allows nothing by default', () => {
  const none = new AllowedTargets([])
  for (const host of ['127.0.0.1', 'localhost', '::1', 'db.internal']) expect(none.hasHost(host)).toBe(false)
  expect(none.hasPath('/run/db.sock')).toBe(false)
})

it('allows the addresses of its names once they were looked up', () => {
  const named = new AllowedTargets(['db.internal'])
  expect(named.hasHost('192.0.2.1')).toBe(false)
  named.remember('192.0.2.1')
  expect(named.hasHost('192.0.2.1')).toBe(true)
})

it('allows sockets by their real path', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-allowed-'))
  const root = realpathSync(folder.path)
  mkdirSync(join(root, 'in'))
  mkdirSync(join(root, 'out'))
  writeFileSync(join(root, 'out/socket'), '')
  symlinkSync(join(root, 'out/socket'), join(root, 'in/link'))
  const paths = new AllowedTargets([`${root}/in/`, join(root, 'one')])
  expect(paths.hasPath(join(root, 'in/socket'))).toBe(true)
  expect(paths.hasPath(join(root, 'one'))).toBe(true)
  expect(paths.hasPath(join(root, 'in/link'))).toBe(false)
  expect(paths.hasPath(join(root, 'in/../out/socket'))).toBe(false)
  expect(paths.hasPath('\0abstract')).toBe(false)
})

it.each(['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'a b', '*.', '/', 'http://a', 'name/8', '*'])(
  'refuses %s',
  (item) => {
    expect(() => new AllowedTargets([item])).toThrow(`"${item}" names no target`)
  },
)
