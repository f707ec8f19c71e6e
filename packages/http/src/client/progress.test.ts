import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { currentFrame } from '@troupe/core'
import { inFrame, startApplication } from '../testing/application.ts'
import { type Origin, startOrigin } from '../testing/servers.ts'
import { closeHttpPools, http, type Progress } from '../index.ts'

let origin: Origin
const at = () => `http://127.0.0.1:${origin.port}/`
const clear = <T>(fn: () => T) => inFrame({ overlay: null }, fn)
const long = 'x'.repeat(300 * 1024)

beforeAll(async () => {
  origin = await startOrigin((_request, response, body) => {
    response.writeHead(200, { 'content-length': body.length }).end(body)
  })
})
beforeEach(() => {
  startApplication()
  origin.seen.length = 0
})
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
})

async function* pieces(...list: string[]) {
  for (const each of list) yield await Promise.resolve(each)
}

it.each([
  ['text', () => ({ body: long }), long.length],
  ['json', () => ({ json: long }), long.length + 2],
  ['a file', () => ({ files: [{ name: 'f', content: new Blob([long]) }] }), undefined],
  ['a stream of unknown length', () => ({ body: pieces(long.slice(0, 100), long.slice(100)) }), undefined],
])('is reported for %s, in both directions', async (_what, options, length) => {
  const up: Progress[] = []
  const down: Progress[] = []
  const response = await clear(() =>
    http.post(at(), { ...options(), onUpload: (each) => up.push(each), onDownload: (each) => down.push(each) }),
  )
  await response.text()
  const sent = origin.seen[0]?.body.length
  if (length !== undefined) expect(sent).toBe(length)
  expect(down.at(-1)).toEqual({ bytes: sent, total: sent })
  expect(up.at(-1)?.bytes).toBe(sent)
  expect(up.at(-1)?.total).toBe(_what === 'a stream of unknown length' ? undefined : sent)
  for (const list of [up, down]) {
    expect(list.length).toBeGreaterThan(1)
    expect(list.map(({ bytes }) => bytes)).toEqual(list.map(({ bytes }) => bytes).toSorted((a, b) => a - b))
  }
})

it('is reported in the context of the request', async () => {
  const callers: unknown[] = []
  const note = () => void callers.push(currentFrame()?.values['caller'])
  // On one connection, which the first of them opens.
  const send = (caller: string) =>
    inFrame({ overlay: null, values: { caller } }, async () =>
      (await http.post(at(), { body: long, onUpload: note, onDownload: note })).text(),
    )
  for (const caller of ['one', 'two']) {
    callers.length = 0
    await send(caller)
    expect(new Set(callers)).toEqual(new Set([caller]))
  }
  expect(new Set(origin.seen.map(({ port }) => port)).size).toBe(1)
})

it.each(['onUpload', 'onDownload'] as const)('by %s that throws ends the request', async (option) => {
  const thrown = new Error('seen enough')
  const sent = clear(async () =>
    (
      await http.post(at(), {
        body: long,
        [option]: () => {
          throw thrown
        },
      })
    ).text(),
  )
  await expect(sent).rejects.toMatchObject({ message: expect.stringContaining('seen enough') as string })
})
