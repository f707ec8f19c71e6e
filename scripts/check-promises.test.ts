import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { promiseFaults } from './check-promises.ts'

it('finds promises without a test, and names of tests that do not exist', () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-promises-'))
  const rows = [
    '| promise | test |',
    '| --- | --- |',
    '| held | `test/a.test.ts`: “is held (always)” |',
    '| held, too | `test/a.test.ts`: “a group of %s” |',
    '| renamed | `test/a.test.ts`: “is held” |',
    '| removed | `test/b.test.ts`: “is held” |',
    '| never had one | |',
  ]
  const files = {
    'docs/promises.md': `# Promises\n\n${rows.join('\n')}\n`,
    'docs/threat-model.md': '`test/a.test.ts` `p/own.test.ts` `own.test.ts` `other.test.ts` `calls_test.go`',
    'test/a.test.ts':
      "it('is held (always)', () => 0)\ndescribe.each([1])('a group of %s', () => 0)\nconst x = 'is held'",
    'packages/p/src/own.test.ts': '',
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true })
    writeFileSync(join(folder.path, path), text)
  }
  expect(promiseFaults(folder.path)).toEqual([
    'docs/promises.md: test/a.test.ts has no test “is held”',
    'docs/promises.md: there is no test/b.test.ts',
    'docs/promises.md: a promise without a test: never had one |',
    'docs/threat-model.md: there is no test other.test.ts',
    'docs/threat-model.md: there is no test calls_test.go',
  ])
})
