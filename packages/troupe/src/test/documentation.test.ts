import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const here = import.meta.dirname
const page = readFileSync(join(here, '../../../../docs/testing.md'), 'utf8')

it.each(['example.test.ts', 'fixtures/app/src/greeter.ts', 'fixtures/app/src/_index.yaml'])(
  'docs/testing.md shows %s as it runs',
  (file) => {
    expect(page).toContain(readFileSync(join(here, file), 'utf8').trim())
  },
)
