import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Program } from '../cli/app-folder.ts'

const repository = resolve(import.meta.dirname, '../..')
const folder = join(repository, 'examples/board')
const troupe = join(repository, 'packages/cli/src/troupe.ts')

describe('examples/board', () => {
  it('has no problems', async () => {
    using program = new Program(process.execPath, [troupe, 'check'], folder)
    expect(await program.ended).toMatchObject({ status: 0, out: '' })
  })

  it('serves its page and its notes, and stops in order', async () => {
    using program = new Program(process.execPath, [troupe, 'run'], folder, { ...process.env, BOARD_PORT: '0' })
    await program.says('"entry":"app:web","msg":"Running"')
    const url = `http://127.0.0.1:${program.match(/"app:web","msg":"listens on 127\.0\.0\.1:(\d+)/)}`
    const page = await fetch(url)
    expect([page.headers.get('content-type'), await page.text()]).toEqual([
      'text/html; charset=utf-8',
      expect.stringContaining('<h1>Board</h1>'),
    ])
    const pin = async (body: string) => fetch(`${url}/api/notes`, { method: 'POST', body })
    const pinned = await pin('buy milk')
    expect([pinned.status, await pinned.json(), pinned.headers.has('x-request-id')]).toEqual([
      201,
      { id: 1, text: 'buy milk' },
      true,
    ])
    expect((await pin(' ')).status).toBe(400)
    expect((await pin('x'.repeat(5000))).status).toBe(413)
    expect(await (await fetch(`${url}/api/notes`)).json()).toEqual([{ id: 1, text: 'buy milk' }])
    expect(await (await fetch(`${url}/api/notes/1`)).text()).toBe('buy milk')
    expect((await fetch(`${url}/api/notes/2`)).status).toBe(404)
    expect(await (await fetch(`${url}/api/digest/1000`)).text()).toMatch(/^[\da-f]{64}$/)
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
  })
})
