import { mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { Program } from '../cli/app-folder.ts'

const repository = resolve(import.meta.dirname, '../..')
const example = join(repository, 'examples/orders')
const troupe = join(repository, 'packages/cli/src/troupe.ts')

it('examples/orders ships orders, tries again, keeps those that are dead, and orders at regular times', async () => {
  using state = mkdtempDisposableSync(join(tmpdir(), 'troupe-orders-'))
  const warehouse = join(state.path, 'warehouse')
  const environment = { ...process.env, WEB_PORT: '0', STOCK_EVERY: '1s', WAREHOUSE: warehouse }
  const own = ['--set', `queue.path=${state.path}/queues.db`, '--set', `network_service.state_dir=${state.path}/net`]
  using program = new Program(process.execPath, [troupe, ...own, 'run'], example, environment)
  await program.says('"entry":"app:web","msg":"Running"')
  const url = `http://127.0.0.1:${program.match(/"app:web","msg":"listens on 127\.0\.0\.1:(\d+)/)}`
  const post = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`, { method: 'POST' })).json()
  const shown = async (id: string): Promise<unknown> => (await fetch(`${url}/orders/${id}`)).json()

  expect(await post('/orders/7?customer=ann')).toEqual({ id: '7', isDuplicate: false })
  expect(await post('/orders/7?customer=ann')).toEqual({ id: '7', isDuplicate: true })
  await expect.poll(async () => shown('7')).toMatchObject({ state: 'done', result: { shipped: '7' } })

  expect(await post('/orders/far-1?customer=ann')).toEqual({ id: 'far-1', isDuplicate: false })
  await expect
    .poll(async () => shown('far-1'))
    .toMatchObject({
      state: 'dead',
      attempts: 3,
      error: 'the warehouse does not reply (attempt 3)',
    })
  writeFileSync(warehouse, '')
  expect(await post('/dead/far-1')).toEqual({ isReplayed: true })
  await expect.poll(async () => shown('far-1')).toMatchObject({ state: 'done', attempts: 1 })

  const hour = () => `stock-${new Date().toISOString().slice(0, 13)}`
  await expect.poll(async () => shown(hour())).toMatchObject({ state: 'done' })
  program.kill('SIGTERM')
  expect((await program.ended).status).toBe(0)
})
