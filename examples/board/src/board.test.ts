import { processes } from 'troupe'
import type { TestApp } from 'troupe/test'
import { appFixtures } from 'troupe/vitest'
import { describe, expect, test } from 'vitest'

const root = `${import.meta.dirname}/..`
// Any free port: Vitest runs several files at the same time.
const it = test.extend(appFixtures({ root, override: { 'app:web': { addr: '127.0.0.1:0' } } }))

const request = async (app: TestApp, options?: RequestInit) => {
  const { host, port } = app.address('app:web')
  return fetch(`http://${host}:${port}/api/notes`, options)
}

it('shows what was pinned', async ({ app }) => {
  await processes.call('app:board', 'pin', 'buy milk')
  expect(await (await request(app)).json()).toEqual([{ id: 1, text: 'buy milk' }])
})

it('begins empty', async ({ app }) => {
  expect(await (await request(app)).json()).toEqual([])
})

describe('with a smaller limit', () => {
  it.override({ appOptions: { override: { 'app:web': { 'limits.body': 8 } } } })

  it('refuses long notes', async ({ app }) => {
    const pin = async (body: string) => (await request(app, { method: 'POST', body })).status
    expect([await pin('short'), await pin('much longer')]).toEqual([201, 413])
  })
})
