import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { Program } from '../cli/app-folder.ts'

const repository = resolve(import.meta.dirname, '../..')
const folder = join(repository, 'examples/tour')
const page = readFileSync(join(repository, 'docs/tour.md'), 'utf8')

async function tour(env: NodeJS.ProcessEnv, ...args: string[]) {
  const web = String(await freePort())
  const troupe = join(repository, 'packages/cli/src/troupe.ts')
  using program = new Program(process.execPath, [troupe, 'run', 'tour', ...args], folder, {
    ...process.env,
    TOUR_WEB_PORT: web,
    ...env,
  })
  return await program.ended
}

/** A closed port. */
async function freePort(): Promise<number> {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const address = closed.address()
  closed.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('examples/tour', () => {
  it('prints what its page shows without a proxy', async () => {
    const port = await freePort()
    const { status, out, err } = await tour({ TOUR_PROXY_PORT: String(port) })
    expect([status, err]).toEqual([0, ''])
    expect(page).toContain(`\`\`\`console\n$ npx troupe run tour\n${out}\`\`\``)
  })

  it('works through a real proxy', async () => {
    const { microsocks, target } = inject('peers')
    const url = `http://127.0.0.1:${target.http}/`
    const { out } = await tour({ TOUR_PROXY_PORT: String(microsocks.port), TOUR_PROXY_HOST: microsocks.host }, url)
    expect(out).toContain('through the proxy: 200')
  })
})

describe('the page of the tour', () => {
  it('shows the files unchanged', () => {
    const blocks = [...page.matchAll(/```(?:ts|yaml)\n(?:\/\/|#) (src\/\S+)\n([^`]*(?:`(?!``)[^`]*)*)```/g)]
    expect(blocks.map(([, file]) => file)).toEqual([
      'src/_index.yaml',
      'src/counter.ts',
      'src/fetcher.ts',
      'src/shop.ts',
      'src/tour.ts',
    ])
    for (const [, file = '', text] of blocks) expect(text).toBe(readFileSync(join(folder, file), 'utf8'))
  })
})
