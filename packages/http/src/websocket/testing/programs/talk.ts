/** Processes that communicate with WebSockets. */
import { processes, self } from '@troupe/process'

/** Sends back each message, until the connection is closed. */
export async function echo(): Promise<void> {
  for await (const { topic, from, payload } of self.inbox) {
    if (topic === 'ws.message') await processes.send(from, 'ws.send', payload)
  }
}

/** Reports all messages to the observer. */
export async function tell(): Promise<void> {
  for await (const { topic, payload } of self.inbox) await processes.send('observer', topic, payload)
  await processes.send('observer', 'end', self.pid)
}

/** Carries out the requests that it receives. */
export async function obey(): Promise<string | undefined> {
  for await (const { topic, from, payload } of self.inbox) {
    if (topic !== 'ws.message' || typeof payload !== 'string') continue
    const [order, ...rest] = payload.split(' ')
    switch (order) {
      case 'return':
        await processes.send(from, 'ws.send', 'last words')
        return 'done'
      case 'fail':
        throw new Error('as it was asked to')
      case 'close':
        await processes.send(from, 'ws.close', { code: Number(rest[0]), reason: rest[1] ?? '' })
        break
      case 'send':
        await processes.send(from, 'ws.send', { no: 'text' })
        break
      case 'flood':
        void flood(from, Number(rest[0]), Number(rest[1]))
        break
      case 'confirm':
        await processes.call(from, 'ws.send', 'sent')
        await processes.send(from, 'ws.send', 'confirmed')
        break
      default:
    }
  }
  return undefined
}

/** Returns how many messages its connection has accepted. */
async function flood(to: string, count: number, size: number): Promise<void> {
  const text = 'x'.repeat(size)
  for (let i = 0; i < count; i += 1) {
    await processes.send(to, 'ws.send', text)
    await processes.send('observer', 'flooded', i + 1)
  }
}

/** Reads no message before it is asked to. */
export async function slow(): Promise<void> {
  const orders = self.listen('continue')
  await processes.send('observer', 'ready', self.pid)
  for await (const _ of orders) break
  let taken = 0
  for await (const { topic } of self.inbox) {
    if (topic === 'ws.message') taken += 1
    if (topic === 'ws.close') await processes.send('observer', 'taken', taken)
  }
}

/** Lets a process continue, from a thread beside it. */
export async function urge(to: string): Promise<void> {
  await processes.send(to, 'continue')
}

/** Does not stop when it is asked to. */
export async function stubborn(): Promise<void> {
  await processes.send('observer', 'begun', self.pid)
  await new Promise<never>(() => setInterval(() => undefined, 1000))
}

/** Reports how its connection began, and its current identity. */
export async function whoami(): Promise<void> {
  for await (const { topic, from, payload, frame } of self.inbox) {
    if (topic === 'ws.open')
      await processes.send(from, 'ws.send', JSON.stringify({ opening: payload, actor: frame.actor?.id }))
  }
}
