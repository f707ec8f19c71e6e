/** The types of the library form, checked by the compiler. */
import { describe, expectTypeOf, it } from 'vitest'
import type { Agent, get } from 'node:http'
import type { Socket } from 'node:net'
import type { App, InNetwork, ModuleFunctions, Network, ProcessHandle, ServiceHandle, StartOptions } from '../index.ts'
import { network, start, withNetwork } from '../index.ts'

interface Module {
  readonly limit: number
  readonly Shape: new () => object
  sum: (a: number, b?: number) => number
  load: (url: string) => Promise<Uint8Array>
  none: () => void
}

const source = new URL('fixtures/images.ts', import.meta.url)

describe('types', () => {
  it('of functions: parameters and awaited results', () => {
    type Functions = ModuleFunctions<Module>
    expectTypeOf<Functions['sum']>().toEqualTypeOf<(a: number, b?: number) => Promise<number>>()
    expectTypeOf<Functions['load']>().toEqualTypeOf<(url: string) => Promise<Uint8Array>>()
    expectTypeOf<Functions['none']>().toEqualTypeOf<() => Promise<void>>()
    expectTypeOf<keyof Functions>().toEqualTypeOf<'sum' | 'load' | 'none' | typeof Symbol.asyncDispose>()
    expectTypeOf<App['functions']>().toBeCallableWith(source, { max: 4, idle_timeout: '1s', network: 'tor' })
    // @ts-expect-error -- an export that is no function
    expectTypeOf<Functions['limit']>().toBeNumber()
    // @ts-expect-error -- a class
    expectTypeOf<Functions['Shape']>().toBeObject()
  })

  it('of functions: wrong calls', () => {
    const wrong = async (app: App) => {
      const functions = app.functions<Module>(source)
      // @ts-expect-error -- a text for a number
      await functions.sum('1')
      // @ts-expect-error -- one argument too many
      await functions.load('x', 1)
      // @ts-expect-error -- camel case: the fields have YAML's names
      app.functions<Module>(source, { idleTimeout: '1s' })
      // @ts-expect-error -- a text for a number
      app.functions<Module>(source, { max: '4' })
    }
    expectTypeOf(wrong).toBeFunction()
  })

  it('of options', () => {
    expectTypeOf(start).toBeCallableWith({})
    expectTypeOf(start).returns.resolves.toEqualTypeOf<App>()
    const options: StartOptions = {
      networks: {
        tor: 'socks5://127.0.0.1:9050',
        other: new URL('socks5://127.0.0.1:9050'),
        fields: { kind: 'network.socks5', host: 'h', port: 1, isolate: 'actor', connect_timeout: '1s', via: 'tor' },
      },
      hosts: { workers: { spares: 2, isolation: 'shared', max_workers: 3, resource_limits: { stackSizeMb: 4 } } },
      functions: { f: { source, method: 'f', pool: { max: 4 }, network: 'tor' }, g: { source, pool: 'inline' } },
      services: { s: { source, host: 'workers', restart: { initial_delay: '1s' }, input: [1] } },
      policies: { p: { actions: 'a', resources: ['b'], effect: 'allow' } },
      entries: [{ id: 'app:x', kind: 'process.ts', source: 'file://x.ts' }],
      config: { log: { level: 'warn' }, network_service: { default_network: 'tor' } },
    }
    expectTypeOf(options).toExtend<StartOptions>()
    // @ts-expect-error -- camel case
    expectTypeOf({ hosts: { h: { maxWorkers: 3 } } }).toExtend<StartOptions>()
    const wrong: readonly StartOptions[] = [
      // @ts-expect-error -- no such isolation
      { hosts: { h: { isolation: 'fiber' } } },
      // @ts-expect-error -- no such kind
      { networks: { n: { kind: 'network.socks4', host: 'h', port: 1 } } },
      // @ts-expect-error -- no such field
      { networks: { n: { kind: 'network.socks5', host: 'h', prot: 1 } } },
      // @ts-expect-error -- no source
      { functions: { f: { method: 'f' } } },
      // @ts-expect-error -- no such effect
      { policies: { p: { actions: 'a', resources: 'b', effect: 'maybe' } } },
      // @ts-expect-error -- the former spelling has no kind beside its fields
      { entries: [{ id: 'app:x', fields: {} }] },
      // @ts-expect-error -- no such section
      { config: { logs: {} } },
    ]
    expectTypeOf(wrong).toExtend<readonly StartOptions[]>()
  })

  it('of withNetwork', () => {
    const functions = async () => withNetwork('socks5://127.0.0.1:1', () => import('./fixtures/images.ts'))
    expectTypeOf(functions).returns.resolves.toHaveProperty('resize')
    expectTypeOf<InNetwork<Module>>().toEqualTypeOf<ModuleFunctions<Module>>()
    expectTypeOf<InNetwork<{ default: () => Promise<7> }>>().toEqualTypeOf<7>()
    const wrong = [
      async () => withNetwork(null, source),
      // @ts-expect-error -- no network
      async () => withNetwork(undefined, source),
      // @ts-expect-error -- a path: it says not what it is relative to
      async () => withNetwork(null, './images.ts'),
    ]
    expectTypeOf(wrong).toBeArray()
  })

  it('of a network', () => {
    expectTypeOf<Network['fetch']>().toEqualTypeOf<typeof fetch>()
    expectTypeOf<Network['connect']>().returns.resolves.toEqualTypeOf<Socket>()
    expectTypeOf<Network['agent']>().toExtend<Agent>()
    expectTypeOf<Network['http']['get']>().toEqualTypeOf<typeof get>()
    expectTypeOf(network).returns.toEqualTypeOf<Network>()
    // @ts-expect-error -- the fields of an entry: `start` has them
    expectTypeOf(network).toBeCallableWith({ kind: 'network.socks5', host: 'h', port: 1 })
  })

  it('of handles', () => {
    const spawned = async (app: App) => expectTypeOf(await app.spawn(source)).toEqualTypeOf<ProcessHandle>()
    expectTypeOf(spawned).toBeFunction()
    expectTypeOf<ReturnType<App['service']>>().toEqualTypeOf<ServiceHandle>()
    const listen = (handle: ProcessHandle) => {
      handle.on('exit', (exit) => {
        if ('error' in exit) expectTypeOf(exit.error.kind).toBeString()
      })
      // @ts-expect-error -- the exit is no text
      handle.on('exit', (exit: string) => exit)
    }
    expectTypeOf(listen).toBeFunction()
  })
})
