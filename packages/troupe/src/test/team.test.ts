import { expect, it } from 'vitest'
import { startApp } from './index.ts'

it('runs the team of docs/processes.md', async () => {
  await using app = await startApp({ root: `${import.meta.dirname}/fixtures/team` })
  await using parent = await app.probe()
  await parent.spawn('app:team', 'app:threads')
  const { result } = await parent.event('EXIT')
  const error: unknown = expect.objectContaining({ name: 'TypeError', message: 'a text is a string, not number' })
  expect(result).toEqual({ value: [6, 'NotFound', { error }, 2, { value: 1 }] })
})
