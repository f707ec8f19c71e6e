/** Spans of threads that have no SDK, as a collector receives them from the kernel. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { funcs, processes, trace } from 'troupe'
import { type Application, boot } from 'troupe/app'
import { startProxy } from '../fixtures/selection/proxy.ts'
import { type ReceivedSpan, type Receiver, startReceiver } from '../fixtures/otlp-receiver.ts'

const root = fileURLToPath(new URL('../fixtures/observe', import.meta.url))
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const lifecycle = { auto_start: true }
const source = 'file://sealed.ts'
const hosts = { 'app:sealed': { network: 'sealed' }, 'app:process': { isolation: 'process' } }

async function started(receiver: Receiver, proxyPort: number): Promise<Application> {
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = receiver.url
  return boot({
    root,
    network: null,
    onLog: () => undefined,
    sections: { telemetry: { module: 'telemetry.ts' } },
    entries: [
      ...Object.entries(hosts).map(([id, host]) => ({
        id,
        kind: 'process.host',
        host: { spares: 0, ...host },
        lifecycle,
      })),
      { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: proxyPort },
      ...['works', 'claims', 'spawner', 'fails', 'leaf'].map((method) => ({
        id: `app:${method}`,
        kind: 'process.ts',
        source,
        method,
      })),
      { id: 'app:double', kind: 'function.ts', source, method: 'double', pool: { sealed: true } },
    ],
  })
}

async function startOrigin(stack: AsyncDisposableStack): Promise<string> {
  const server = createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1')
  stack.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
}

/** Each name, below that of its parent. */
function treeOf(spans: readonly ReceivedSpan[], parent: string, indent = ''): readonly string[] {
  return spans
    .filter((span) => span.parent === parent)
    .flatMap(({ name, spanId }) => [`${indent}${name}`, ...treeOf(spans, spanId, `${indent}  `)])
}

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('spans of a thread without an SDK', () => {
  /** The SDK of the program's own thread is loaded once: it sends to one receiver, whichever application runs. */
  let receiver: Receiver
  beforeAll(async () => {
    receiver = await startReceiver()
  })
  afterAll(async () => receiver[Symbol.asyncDispose]())

  it.each(Object.keys(hosts))('are made by the kernel, of what it does for the thread: %s', async (host) => {
    await using stack = new AsyncDisposableStack()
    const proxy = stack.use(await startProxy('127.0.0.2'))
    const url = await startOrigin(stack)
    const app = stack.use(await started(receiver, proxy.port))
    const begun = await app.run(async () => {
      const place = trace.parse(trace.begin())
      const through = processes.withOptions({ network: 'app:proxy' })
      expect(await through.exec('app:works', host, host, url)).toBe(false)
      return place
    })
    const own = () => receiver.spans.filter(({ traceId }) => traceId === begun?.traceId)
    await expect.poll(() => own().length).toBe(5)
    expect(treeOf(own(), begun?.spanId ?? '').toSorted()).toEqual(
      ['spawn app:works', '  spawn app:leaf', '  call app:double', '    run app:double', '  dial'].toSorted(),
    )
    const dial = own().find(({ name }) => name === 'dial')
    expect(dial?.attributes).toEqual({ 'network.transport': 'tcp', 'troupe.overlay': 'app:proxy' })
    // The exporter is not in the overlay.
    expect(receiver.raw.join('')).not.toContain('"server.port"')
  })

  it('are not made in a trace that only the thread claims, nor in one that continues it', async () => {
    await using app = await started(receiver, 9)
    const begun = async (work: () => Promise<unknown>) =>
      app.run(async () => {
        const place = trace.parse(trace.begin())
        await work()
        return place?.traceId
      })
    let pid = ''
    const issued = await begun(async () => (pid = await processes.spawn('app:claims', 'app:sealed', 'app:sealed')))
    const claimed = await begun(async () => {
      const inside = trace.parse(String(await processes.call(pid, 'go')))?.traceId
      expect(inside).toBe(trace.parse(trace.current() ?? '')?.traceId)
      // The last one: when it has arrived, all have.
      await funcs.call('app:double', 3)
    })
    const namesOf = (id: string | undefined) =>
      receiver.spans.filter(({ traceId }) => traceId === id).map(({ name }) => name)
    await expect.poll(() => namesOf(claimed).toSorted()).toEqual(['call app:double', 'call go', 'run app:double'])
    expect(namesOf(issued)).toEqual(['spawn app:claims'])
  })

  it('name the kind of an error', async () => {
    await using app = await started(receiver, 9)
    const begun = await app.run(async () => {
      const place = trace.parse(trace.begin())
      await processes.exec('app:fails', 'app:sealed', 'app:sealed')
      return place
    })
    const failed = () =>
      receiver.spans.find(({ traceId, name }) => traceId === begun?.traceId && name === 'spawn app:none')
    await expect.poll(failed).toBeDefined()
    expect(failed()?.attributes).toMatchObject({ 'error.type': 'NotFound', 'troupe.sealed': true })
  })
})
