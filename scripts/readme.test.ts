import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { LoginProxy } from './login-proxy.ts'
import { partsOf } from './page-steps.ts'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, 'examples/small')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

function run(file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  return spawn(process.execPath, [join(folder, 'src', file), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
}

it('the page about migration shows files of the examples', () => {
  const files = partsOf(readFileSync(join(root, 'docs/migration.md'), 'utf8')).flatMap(({ steps }) =>
    steps.filter((step) => 'file' in step),
  )
  const examples: Readonly<Record<string, string>> = { 'src/quotes.ts': 'embedded', 'src/counter.ts': 'small' }
  const own = files.map(({ file }) => readFileSync(join(root, 'examples', examples[file] ?? '', file), 'utf8'))
  expect(files.map((each) => each.text)).toEqual(own)
  expect(files).toHaveLength(2)
})

describe('the README', () => {
  it('shows the files of the examples', () => {
    const files = partsOf(readme).flatMap(({ steps }) => steps.filter((step) => 'file' in step))
    expect(files.map(({ file }) => file)).toEqual(['src/page.ts', 'src/crawl.ts', 'src/counter.ts', 'src/web.ts'])
    const own = files.map(({ file }) => readFileSync(join(folder, file), 'utf8'))
    expect(files.map((each) => each.text)).toEqual(own)
  })

  it('has a crawler that uses a login for each worker', async () => {
    await using proxy = await LoginProxy.start()
    const urls = ['/', '/a'].map((path) => `http://site.test:${proxy.webPort}${path}`)
    const program = run('crawl.ts', urls, { TOR_PORT: String(proxy.port) })
    const [out] = await Promise.all([text(program.stdout), text(program.stderr)])
    expect(out).toBe(urls.map((url) => `{ value: '200 ${url}' }\n`).join(''))
    const target = `site.test:${proxy.webPort}`
    expect([...proxy.targets.values()]).toEqual([[target], [target]])
  })

  it('has a crawler that reaches nothing without Tor', async () => {
    await using proxy = await LoginProxy.start()
    const program = run('crawl.ts', [`http://127.0.0.1:${proxy.webPort}/`], { TOR_PORT: '1' })
    const [out] = await Promise.all([text(program.stdout), text(program.stderr)])
    expect(out).toContain('through overlay app:tor failed: the proxy cannot be reached')
  })

  it('has a worker behind an endpoint, which is restarted', async () => {
    await using stack = new AsyncDisposableStack()
    const program = run('web.ts', [], { PORT: '0' })
    stack.defer(async () => {
      const ended = once(program, 'close')
      program.kill('SIGKILL')
      await ended
    })
    program.stdout.resume()
    let log = ''
    program.stderr.setEncoding('utf8').on('data', (part: string) => (log += part))
    // A service that is restarted takes another port.
    const url = () => `http://127.0.0.1:${log.match(/(?<=listens on 127\.0\.0\.1:)\d+/g)?.at(-1) ?? 'none'}`
    const get = async (path: string) => {
      const response = await fetch(`${url()}/${path}`).catch(() => undefined)
      return response?.ok === true ? response.text() : undefined
    }
    // The worker and the service start at the same time.
    const first = Number(await vi.waitUntil(async () => get('visit'), { timeout: 120_000 }))
    expect(await get('visit')).toBe(`${first + 1}`)
    expect(await get('crash')).toBeUndefined()
    await expect.poll(async () => get('visit')).toBe('1')
  })
})
