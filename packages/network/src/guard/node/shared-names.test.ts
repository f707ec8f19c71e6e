import { once } from 'node:events'
import workerThreads, { BroadcastChannel, type Worker as Thread } from 'node:worker_threads'
import { type EntryId, runInFrame, emptyFrame } from '@troupe/core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { rebindThreadNetwork } from '../../overlay/thread-network.ts'
import { installGuard } from '../install.ts'
import { property } from '../../sockets/internals.ts'
import { a, b, inNetwork, type Lab, startLab } from '../testing/lab.ts'
import { isCallable } from './patch.ts'

let lab: Lab
/** A thread without a guard, which posts the messages that it gets. */
let stranger: Thread

beforeAll(async () => {
  const program = `const { parentPort, BroadcastChannel } = require('node:worker_threads')
    parentPort.on('message', ([name, text]) => {
      const channel = new BroadcastChannel(name)
      channel.postMessage(text)
      channel.close()
      parentPort.postMessage('posted')
    })`
  stranger = new workerThreads.Worker(program, { eval: true })
  lab = await startLab()
  installGuard()
})
afterEach(() => {
  rebindThreadNetwork({ overlay: null })
})
afterAll(async () => {
  await stranger.terminate()
  await lab[Symbol.asyncDispose]()
})

/** Collects what arrives at each of the channels, from now on. */
function collect(channels: readonly BroadcastChannel[]): readonly unknown[][] {
  return channels.map((channel) => {
    const got: unknown[] = []
    channel.addEventListener('message', (event) => got.push(property(event, 'data')))
    return got
  })
}

/** Collects what channels of that name receive, each in its own network. */
function listen(name: string, networks: readonly (EntryId | null)[]) {
  const channels = networks.map((network) => inNetwork(network, () => new BroadcastChannel(name)))
  return { got: collect(channels), channels, close: () => channels.forEach((channel) => channel.close()) }
}

describe('BroadcastChannel', () => {
  it('reaches threads of its own network', async () => {
    const { got, channels, close } = listen('news', [a, a, b, null])
    channels[0]?.postMessage('of a')
    await expect.poll(() => got).toEqual([[], ['of a'], [], []])
    inNetwork(null, () => new globalThis.BroadcastChannel('news')).postMessage('in the clear')
    await expect.poll(() => got).toEqual([[], ['of a'], [], ['in the clear']])
    expect(channels.map(({ name }) => name)).toEqual(['news', 'news', 'news', 'news'])
    close()
  })

  it('does not reach an overlay that was created later under the same id', async () => {
    const within = (epoch?: number) => {
      rebindThreadNetwork({ overlay: a, ...(epoch !== undefined && { epoch }) })
      return new BroadcastChannel('news')
    }
    const channels = [within(), within(1), within(1)]
    const got = collect(channels)
    channels[1]?.postMessage('of the later')
    await expect.poll(() => got).toEqual([[], [], ['of the later']])
    for (const channel of channels) channel.close()
  })

  it('is shared in the clear network with code outside of applications, and not in an overlay', async () => {
    const { got, close } = listen('news', [a, null])
    stranger.postMessage(['news', 'from outside'])
    await once(stranger, 'message')
    await expect.poll(() => got).toEqual([[], ['from outside']])
    close()
  })

  it('cannot be given the prefix that separates another network', async () => {
    const inside = `troupe:${JSON.stringify([a, null, null])}:news`
    const { got, close } = listen('news', [a])
    const clear = listen(inside, [null, null])
    clear.channels[0]?.postMessage('posing')
    await expect.poll(() => clear.got).toEqual([[], ['posing']])
    expect(got).toEqual([[]])
    expect(clear.channels[0]?.name).toBe(inside)
    for (const each of [{ close }, clear]) each.close()
  })

  it('separates what the overlay isolates', async () => {
    const made = ['one', 'two', 'one'].map((actor) => {
      rebindThreadNetwork({ overlay: a, isolation: { actor } })
      return new BroadcastChannel('news')
    })
    const got = collect(made)
    made[0]?.postMessage('x')
    await expect.poll(() => got).toEqual([[], [], ['x']])
    made.forEach((channel) => channel.close())
  })

  it('otherwise works as without the guard', () => {
    expect(BroadcastChannel.name).toBe('BroadcastChannel')
    expect((): unknown => Reflect.construct(BroadcastChannel, [])).toThrow(
      expect.objectContaining({ code: 'ERR_MISSING_ARGS' }),
    )
    expect(globalThis.BroadcastChannel).toBe(workerThreads.BroadcastChannel)
    rebindThreadNetwork(undefined)
    expect(() => new BroadcastChannel('x')).toThrow(expect.objectContaining({ code: 'EUNBOUND' }))
  })
})

describe('Web Locks', () => {
  it('hold within one network', async () => {
    const { locks } = navigator
    await inNetwork(a, async () =>
      locks.request('table', async (lock) => {
        expect(lock?.name).toBe('table')
        const tried = async (network: EntryId | null) =>
          inNetwork(network, async () => locks.request('table', { ifAvailable: true }, (other) => other?.name))
        expect([await tried(a), await tried(b), await tried(null)]).toEqual([undefined, 'table', 'table'])
        const namesIn = async (network: EntryId | null) =>
          inNetwork(network, async () => ((await locks.query()).held ?? []).map(({ name }) => name))
        expect([await namesIn(a), await namesIn(b), await namesIn(null)]).toEqual([['table'], [], []])
      }),
    )
    expect(await runInFrame(emptyFrame, async () => locks.request('table', (lock) => lock?.mode))).toBe('exclusive')
  })

  it('refuse what they refuse without the guard', async () => {
    const request: unknown = Reflect.get(navigator.locks, 'request')
    const ask = async (...args: unknown[]): Promise<unknown> =>
      inNetwork(
        a,
        async (): Promise<unknown> => (isCallable(request) ? Reflect.apply(request, navigator.locks, args) : undefined),
      )
    await expect(ask('-name', () => {})).rejects.toMatchObject({ name: 'NotSupportedError' })
    await expect(ask('name')).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_TYPE' })
  })
})
