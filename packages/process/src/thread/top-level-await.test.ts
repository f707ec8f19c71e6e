import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { entryId } from '@troupe/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadInTime } from './load-timeout.ts'
import { topLevelAwaits } from './top-level-await.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-await-'))
  writeFileSync(
    join(folder, 'main.ts'),
    "import { db } from './db.ts'\nexport async function main() {\n  await db\n}\n",
  )
  writeFileSync(join(folder, 'db.ts'), '// a client\n\nexport const db = await new Promise(() => {})\nawait db\n')
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

const url = (name: string) => pathToFileURL(join(folder, name)).href
const program = (loadTimeout?: number) => ({
  entry: entryId('app:main'),
  module: `${url('main.ts')}?v=2`,
  method: 'main',
  ...(loadTimeout && { loadTimeout }),
})

describe('a module with a top-level await', () => {
  it('is found behind its imports, with the lines that wait', () => {
    expect(topLevelAwaits(url('main.ts'))).toEqual([`${join(folder, 'db.ts')}:3`, `${join(folder, 'db.ts')}:4`])
  })

  it('fails a start with a timeout', async () => {
    const { promise: never } = Promise.withResolvers<void>()
    await expect(loadInTime(program(20), never, () => undefined)).rejects.toMatchObject({
      kind: 'Timeout',
      message:
        'app:main: its module has not loaded in 20 ms: a top-level await has ' +
        `not settled: ${join(folder, 'db.ts')}:3, ${join(folder, 'db.ts')}:4`,
    })
  })

  it('is not reported once it has loaded', async () => {
    await expect(loadInTime(program(1e9), Promise.resolve('loaded'), () => undefined)).resolves.toBe('loaded')
  })
})
