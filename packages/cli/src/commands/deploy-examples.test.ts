/** The examples of a deployment, against what the application serves and how long it takes to stop. */
import { entryId, parseDuration } from '@troupe/core'
import { load, loadAll } from 'js-yaml'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { join, resolve } from 'node:path'
import { boot } from 'troupe/app'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { parseInvocation } from '../invocation.ts'

const examples = resolve(import.meta.dirname, '../../../../examples')

const probe = z.object({
  exec: z.object({ command: z.tuple([z.literal('node'), z.literal('-e'), z.string()]) }),
  timeoutSeconds: z.number(),
})
const deployment = z.object({
  kind: z.literal('Deployment'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        containers: z.tuple([
          z.object({
            command: z.array(z.string()),
            args: z.array(z.string()),
            ports: z.tuple([z.object({ name: z.string(), containerPort: z.number() })]),
            startupProbe: probe,
            readinessProbe: probe,
            livenessProbe: probe,
            lifecycle: z.object({ preStop: z.object({ sleep: z.object({ seconds: z.number() }) }) }),
            volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
          }),
        ]),
        volumes: z.array(z.object({ name: z.string() })),
      }),
    }),
  }),
})
const service = z.object({
  kind: z.literal('Service'),
  spec: z.object({
    selector: z.record(z.string(), z.string()),
    ports: z.tuple([z.object({ targetPort: z.string() })]),
  }),
})

/** The settings of the command line `troupe run …`, by their names. */
function settingsOf(argv: readonly string[]): {
  readonly set: ReadonlyMap<string, string>
  readonly overrides: readonly string[]
} {
  const invocation = parseInvocation([...argv])
  if (invocation.command !== 'run') throw new Error('it is not "troupe run"')
  const set = invocation.set.map((setting) => {
    const [name = '', ...value] = setting.split('=')
    return [name, value.join('=')] as const
  })
  return { set: new Map(set), overrides: invocation.overrides }
}

/** The application with these settings, at ports of its own. */
async function board(set: ReadonlyMap<string, string>, overrides: readonly string[]) {
  const own = new Map([...set, ['metrics.addr', '127.0.0.1:0']])
  own.delete('network_service.state_dir')
  const app = await boot({
    root: join(examples, 'board'),
    onLog: () => undefined,
    set: Array.from(own, ([name, value]) => `${name}=${value}`),
    overrides: [...overrides, 'app:web:addr=127.0.0.1:0'],
  })
  // As the probe for the start does: a service may start again.
  const ready = async () => (await fetch(`http://127.0.0.1:${app.metricsPort}/readyz`)).status
  await expect.poll(ready, { timeout: 120_000 }).toBe(200)
  return app
}

/** As a proxy asks: by the name of the service. */
async function statusOf(port: number, path: string, host: string): Promise<number | undefined> {
  const { promise, resolve: replied, reject } = Promise.withResolvers<number | undefined>()
  get({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, (response) => {
    response.resume()
    replied(response.statusCode)
  }).on('error', reject)
  return promise
}

describe('the Deployment for Kubernetes', () => {
  const text = readFileSync(join(examples, 'deploy/kubernetes/board.yaml'), 'utf8')
  const [first, second] = loadAll(text)
  const { spec } = deployment.parse(first)
  const { containers, volumes, terminationGracePeriodSeconds } = spec.template.spec
  const [container] = containers
  const { set, overrides } = settingsOf(container.args)

  it('probes paths that the application serves, at the port where it serves them', async () => {
    await using app = await board(set, overrides)
    for (const { exec } of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      const url = new URL(/fetch\('([^']+)'\)/.exec(exec.command[2])?.[1] ?? '')
      expect(url.host).toBe(set.get('metrics.addr'))
      expect((await fetch(`http://127.0.0.1:${app.metricsPort}${url.pathname}`)).status).toBe(200)
    }
    const { port } = app.address(entryId('app:web'))
    expect(await statusOf(port, '/api/notes', 'board')).toBe(200)
    expect(await statusOf(port, '/api/notes', 'elsewhere')).toBe(421)
  })

  it('sends requests to the port of the service, and gives it time to stop', () => {
    const { spec: target } = service.parse(second)
    const [{ name, containerPort }] = container.ports
    expect(target.ports[0].targetPort).toBe(name)
    expect(target.selector).toEqual(spec.selector.matchLabels)
    expect(spec.template.metadata.labels).toEqual(spec.selector.matchLabels)
    expect(overrides).toContain(`app:web:addr=0.0.0.0:${containerPort}`)
    const pause = container.lifecycle.preStop.sleep.seconds * 1000 + parseDuration(set.get('shutdown.delay') ?? '0')
    const stop = pause + parseDuration(set.get('shutdown.timeout') ?? '30s')
    expect(terminationGracePeriodSeconds * 1000).toBeGreaterThan(stop)
    expect(container.volumeMounts.map(({ name: volume }) => volume)).toEqual(volumes.map(({ name: volume }) => volume))
    const state = set.get('network_service.state_dir') ?? ''
    expect(container.volumeMounts.some(({ mountPath }) => state.startsWith(`${mountPath}/`))).toBe(true)
  })
})

describe('the unit for systemd', () => {
  const text = readFileSync(join(examples, 'deploy/systemd/board.service'), 'utf8').replaceAll('\\\n', ' ')
  const of = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? ''

  it('starts the application with settings that it knows, and gives it time to stop', async () => {
    const [program = '', ...argv] = of('ExecStart').split(/\s+/)
    expect(program).toMatch(/\/troupe$/)
    const { set, overrides } = settingsOf(argv)
    await using app = await board(set, overrides)
    expect((await fetch(`http://127.0.0.1:${app.metricsPort}/readyz`)).status).toBe(200)
    const stop = parseDuration(set.get('shutdown.delay') ?? '0') + parseDuration(set.get('shutdown.timeout') ?? '30s')
    expect(parseDuration(of('TimeoutStopSec'))).toBeGreaterThan(stop)
    expect(set.get('network_service.state_dir')).toBe(`/var/lib/${of('StateDirectory')}/net`)
  })
})

/** What the example uses of the Compose specification. Any other field is wrong, or belongs in here. */
const compose = z.strictObject({
  services: z.strictObject({
    app: z.strictObject({
      build: z.literal('.'),
      stop_grace_period: z.string(),
      restart: z.enum(['no', 'always', 'on-failure', 'unless-stopped']),
      cap_drop: z.array(z.literal('ALL')),
      volumes: z.array(z.string().regex(/^\w+:\/[^:]+$/)),
    }),
  }),
  volumes: z.record(z.string(), z.strictObject({})),
})

describe('compose.yaml', () => {
  const folder = join(examples, 'docker')
  const { services, volumes } = compose.parse(load(readFileSync(join(folder, 'compose.yaml'), 'utf8')))
  const image = readFileSync(join(folder, 'Dockerfile'), 'utf8')
  const of = (name: string) => new RegExp(`^${name} (.*)$`, 'm').exec(image)?.[1]

  it('keeps each volume that the image declares, and no other one, in a named volume', () => {
    const mounts = services.app.volumes.map((each) => each.split(':'))
    expect(mounts.map(([, path]) => path)).toEqual([of('VOLUME')])
    expect(mounts.map(([name]) => name)).toEqual(Object.keys(volumes))
  })

  it('gives the application time to stop on the signal of the image', () => {
    const argv: readonly string[] = z.array(z.string()).parse(JSON.parse(of('CMD') ?? ''))
    const { set } = settingsOf(argv.slice(1))
    const stop = parseDuration(set.get('shutdown.delay') ?? '0') + parseDuration(set.get('shutdown.timeout') ?? '30s')
    expect(parseDuration(services.app.stop_grace_period)).toBeGreaterThan(stop)
    expect(of('STOPSIGNAL')).toBe('SIGTERM')
    expect(of('USER')).not.toBe('root')
  })
})
