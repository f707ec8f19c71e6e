import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const here = import.meta.dirname

/** Documentation pages, and the example files that they show. */
const shown = [
  ['testing.md', 'example.test.ts'],
  ['testing.md', 'fixtures/app/src/greeter.ts'],
  ['testing.md', 'fixtures/app/src/_index.yaml'],
  ['testing.md', '../../../../examples/board/src/board.test.ts'],
  ['processes.md', 'fixtures/team/src/team.ts'],
  ['processes.md', 'fixtures/team/src/_index.yaml'],
] as const

it.each(shown)('docs/%s shows %s as it runs', (page, file) => {
  const text = readFileSync(join(here, '../../../../docs', page), 'utf8')
  expect(text).toContain(readFileSync(join(here, file), 'utf8').trim())
})
