import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { hand, LocalPort } from './local-port.ts'

/** The messages that arrive at an end. */
function heard(port: LocalPort): object[] {
  const messages: object[] = []
  port.on('message', (message: object) => messages.push(message))
  return messages
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a port within a thread', () => {
  it('delivers in order, in both directions, asynchronously', async () => {
    const [near, far] = LocalPort.pair()
    const [here, there] = [heard(near), heard(far)]
    near.postMessage({ n: 1 })
    near.postMessage({ n: 2 })
    far.postMessage({ n: 3 })
    expect([here, there]).toEqual([[], []])
    await turn()
    expect([here, there]).toEqual([[{ n: 3 }], [{ n: 1 }, { n: 2 }]])
  })

  it('copies messages, and passes transferred objects unchanged', async () => {
    const [near, far] = LocalPort.pair()
    const there = heard(far)
    const message = { list: [1] }
    near.postMessage(message)
    hand(near, message)
    message.list.push(2)
    await turn()
    expect(there).toEqual([{ list: [1] }, { list: [1, 2] }])
    expect(there[1]).toBe(message)
    expect(() => {
      near.postMessage({ no: () => undefined })
    }).toThrow('could not be cloned')
  })

  it('delivers outside of the sender’s context', async () => {
    const storage = new AsyncLocalStorage<string>()
    const [near, far] = LocalPort.pair()
    const contexts: unknown[] = []
    far.on('message', () => contexts.push(storage.getStore()))
    storage.run('a process', () => {
      near.postMessage({})
    })
    await turn()
    expect(contexts).toEqual([undefined])
  })

  it('delivers after other messages of the turn, and loses none when a listener throws', async () => {
    const [near, far] = LocalPort.pair()
    const there: object[] = []
    far.on('message', (message: object) => {
      there.push(message)
      if (there.length === 1) throw new Error('from the listener')
    })
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const thrown = once(process, 'uncaughtException')
    for (const n of [1, 2, 3]) near.postMessage({ n })
    await expect(thrown).resolves.toMatchObject([{ message: 'from the listener' }, 'uncaughtException'])
    for (const listener of listeners) process.on('uncaughtException', listener)
    await turn()
    expect(there).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }])
  })

  it('is closed from either end, after earlier messages', async () => {
    const [near, far] = LocalPort.pair()
    const there = heard(far)
    const closed = Promise.all([once(near, 'close'), once(far, 'close')])
    near.postMessage({ n: 1 })
    near.close()
    near.postMessage({ n: 2 })
    await closed
    expect(there).toEqual([{ n: 1 }])
  })
})
