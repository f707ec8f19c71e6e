import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, inject, it } from 'vitest'

const folder = resolve(import.meta.dirname, '../../examples/embedded')

async function started(stack: AsyncDisposableStack, env: Readonly<Record<string, string>>) {
  const program = spawn(process.execPath, [join(folder, 'start.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  stack.defer(() => void program.kill('SIGKILL'))
  const [line] = (await once(createInterface(program.stdout), 'line')) as [string]
  const port = /\d+$/.exec(line)?.[0] ?? ''
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }
  return { program, get }
}

it('an Express program whose one route goes through a proxy', async () => {
  await using stack = new AsyncDisposableStack()
  const { microsocks, target } = inject('peers')
  const { program, get } = await started(stack, {
    PROXY: `socks5://${microsocks.host}:${microsocks.port}`,
    SERVICE: `http://127.0.0.1:${target.http}/`,
  })
  expect(await get('/')).toEqual({ status: 200, text: 'hello' })
  const { status, text } = await get('/quote')
  expect(status).toBe(200)
  expect(JSON.parse(text)).toMatchObject({ method: 'GET', host: `127.0.0.1:${target.http}` })
  expect(await get('/healthz')).toEqual({ status: 200, text: '{"state":"up","failed":[]}' })
  program.kill('SIGTERM')
  expect(await once(program, 'exit')).toEqual([0, null])
})

it('with a dead proxy, that route alone fails, with words', async () => {
  await using stack = new AsyncDisposableStack()
  const { target } = inject('peers')
  const { get } = await started(stack, {
    PROXY: 'socks5://127.0.0.1:1',
    SERVICE: `http://127.0.0.1:${target.http}/`,
  })
  expect(await get('/')).toEqual({ status: 200, text: 'hello' })
  const { status, text } = await get('/quote')
  expect(status).toBe(502)
  expect(text).toContain('through overlay app:proxy failed: the proxy cannot be reached')
})
