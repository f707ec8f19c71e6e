/** The cost of the check of a token that was checked before. */
import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { security } from 'troupe'
import { boot } from 'troupe/app'
import { type Line, rounds, scaled } from './measure.ts'

const count = scaled(100_000, 500)

/** Microseconds of `validate`, one after the other, with the request to the kernel. */
async function checkTime(id: string): Promise<number> {
  const store = security.tokenStore(id)
  const { token } = await store.create({ actor: security.newActor('ann') })
  return rounds(9, async () => {
    const began = performance.now()
    for (let n = 0; n < count; n += 1) if ((await store.validate(token)) === undefined) throw new Error('not valid')
    return ((performance.now() - began) * 1000) / count
  })
}

export async function tokenTable(): Promise<readonly Line[]> {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-bench-tokens-'))
  const fields = { key: 'a key of a benchmark that is not a secret' }
  await using app = await boot({
    root: folder.path,
    onLog: () => undefined,
    entries: [
      { id: 'bench:memory', kind: 'security.token_store', ...fields },
      { id: 'bench:sqlite', kind: 'security.token_store', ...fields, storage: 'sqlite' },
    ],
  })
  return await app.run(async () => {
    const lines: Line[] = []
    for (const storage of ['memory', 'sqlite']) {
      const figure = await checkTime(`bench:${storage}`)
      lines.push({
        what: `a token of a store in ${storage}`,
        figure,
        unit: 'µs',
        target: { text: '≤ 5 µs', met: figure <= 5 },
      })
    }
    return lines
  })
}
