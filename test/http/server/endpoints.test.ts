import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWebApp, type WebApp } from './web-app.ts'

let web: WebApp

beforeAll(async () => {
  web = await startWebApp({
    endpoints: {
      hello: { path: '/hello', func: 'hello' },
      user: { path: '/users/{id}', func: 'told' },
      me: { path: '/users/me', func: 'hello' },
      post: { method: 'POST', path: '/users/{id}', func: 'told' },
      files: { path: '/files/{rest...}', func: 'told' },
      star: { method: '*', path: '/any/*', func: 'told' },
      fail: { path: '/fail', func: 'fail' },
      none: { path: '/none', func: 'noResponse' },
    },
  })
})

afterAll(async () => {
  await web[Symbol.asyncDispose]()
})

describe('an endpoint', () => {
  it('answers', async () => {
    const response = await fetch(`${web.url}/hello`)
    expect([response.status, await response.text()]).toEqual([200, 'hello world'])
  })
  it('is told of the request and its place', async () => {
    const response = await fetch(`${web.url}/users/a%2Fb?x=1`, { method: 'POST', body: 'hi' })
    expect(await response.json()).toEqual({
      method: 'POST',
      url: `${web.url}/users/a%2Fb?x=1`,
      params: { id: 'a/b' },
      remoteAddress: '127.0.0.1',
      service: 'app:web',
      endpoint: 'app:post-endpoint',
      body: 'hi',
    })
  })
})
