import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { inFrame, startApplication } from '../../testing/application.ts'
import { type Origin, startOrigin } from '../../testing/servers.ts'
import { closeHttpPools, http } from '../../index.ts'
import { BufferedResponse } from './buffered-response.ts'

let origin: Origin
const head = { 'content-type': 'application/json;charset=utf-8', 'x-many': ['1', '2'], 'set-cookie': ['a=1', 'b=2'] }
const bodies = ['{"a":[1,"ä"]}', '', '\uFEFF{"bom":1}', 'no json']

beforeAll(async () => {
  origin = await startOrigin((_request, response, body) => void response.writeHead(200, head).end(body))
})
beforeEach(() => {
  startApplication()
})
afterAll(async () => {
  await closeHttpPools()
  await origin[Symbol.asyncDispose]()
})

/** The response from the client, and from the platform's own fetch. */
async function both(body: string) {
  const url = `http://127.0.0.1:${origin.port}/`
  const ours = await inFrame({ overlay: null }, () => http.post(url, { body }))
  const theirs = await fetch(url, { method: 'POST', body })
  expect(ours).toBeInstanceOf(BufferedResponse)
  return [ours, theirs] as const
}

type Use = (response: Response) => unknown
const error = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (thrown: unknown) => (thrown as Error).name,
  )
const uses: Readonly<Record<string, Use>> = {
  fields: ({ status, statusText, ok, url, redirected, bodyUsed }) => ({
    status,
    statusText,
    ok,
    url,
    redirected,
    bodyUsed,
  }),
  headers: ({ headers }) => [...headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name)),
  text: async (response) => [await response.text(), response.bodyUsed],
  json: async (response) => response.json().catch((thrown: unknown) => (thrown as Error).name),
  bytes: async (response) => Buffer.from(await response.bytes()).toString('hex'),
  arrayBuffer: async (response) => Buffer.from(await response.arrayBuffer()).toString('hex'),
  blob: async (response) => {
    const blob = await response.blob()
    return [blob.type, blob.size, await blob.text(), response.bodyUsed]
  },
  // oxlint-disable-next-line typescript/no-deprecated -- It is a part of Response.
  'formData, which this is not': async (response) => error(response.formData()),
  stream: async (response) => {
    return [response.body === null ? null : await text(response.body), response.bodyUsed]
  },
  'a stream that is looked at': async (response) => [
    response.body?.locked,
    response.bodyUsed,
    await response.text(),
    response.bodyUsed,
  ],
  'a stream that is locked': async (response) => {
    response.body?.getReader()
    return [response.body?.locked, await error(response.text()), await error((async () => response.clone())())]
  },
  'a stream after text': async (response) => {
    await response.text()
    return [response.body === null, response.body?.locked, response.bodyUsed]
  },
  'text twice': async (response) => [
    await response.text(),
    await error(response.text()),
    await error(response.bytes()),
    await error(response.blob()),
  ],
  clone: async (response) => {
    const clone = response.clone()
    return [await clone.text(), response.bodyUsed, await response.text(), clone.url, response.headers.get('x-many')]
  },
  'clone of a stream that is looked at': async (response) => {
    void response.body
    return [await response.clone().text(), await response.text()]
  },
  'clone after text': async (response) => {
    await response.text()
    return error((async () => response.clone())())
  },
  'a Response of its body': async (response) => new Response(response.body, response).text(),
}

describe.each(Object.entries(uses))('a small response equals that of fetch: %s', (_name, use) => {
  it.each(bodies)('of "%s"', async (body) => {
    const [ours, theirs] = await both(body)
    expect(await use(ours)).toEqual(await use(theirs))
  })
})

it('has its own headers', async () => {
  const [ours] = await both('abc')
  const clone = ours.clone()
  clone.headers.set('x-many', '3')
  expect(ours.headers.get('x-many')).toBe('1, 2')
})

it('has its own bytes', async () => {
  const [ours] = await both('abc')
  const clone = ours.clone()
  ;(await ours.bytes()).fill(0)
  expect(await clone.text()).toBe('abc')
})

it('of many packets is a standard Response too', async () => {
  const url = `http://127.0.0.1:${origin.port}/`
  const response = await inFrame({ overlay: null }, () => http.post(url, { body: 'x'.repeat(500_000) }))
  expect(response).not.toBeInstanceOf(BufferedResponse)
  const clone = response.clone()
  expect([
    clone.url,
    clone.headers.getSetCookie(),
    (await clone.text()).length,
    (await response.text()).length,
  ]).toEqual([url, ['a=1', 'b=2'], 500_000, 500_000])
})
