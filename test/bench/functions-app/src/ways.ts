/** The processes and the function of `ways.ts`. */
import { funcs, type Pid, processes, self } from 'troupe'
import { filesCounted, startCounting } from './coverage.ts'

/** A part of the rounds: what happens in fewer of them is not on the way. */
const most = 0.9

async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Takes messages; counts from one call to the next. */
export async function receiver(): Promise<void> {
  for await (const message of self.inbox) {
    if (message.topic === 'start') startCounting()
    message.reply(message.topic === 'end' ? filesCounted(Number(message.payload)) : undefined)
  }
}

/** Sends `count` messages one by one; returns the files that they passed through. */
export async function sender(to: Pid, count: number): Promise<readonly string[]> {
  await processes.send(to, 'message', 0)
  await processes.call(to, 'start')
  startCounting()
  for (let i = 0; i < count; i += 1) {
    await processes.send(to, 'message', i)
    await turn()
  }
  const here = filesCounted(count * most)
  const there = await processes.call(to, 'end', count * most)
  return [...here, ...(Array.isArray(there) ? there.map(String) : [])]
}

/** The called function. */
export function called(what: unknown): unknown {
  if (what === 'start') startCounting()
  return typeof what === 'number' ? filesCounted(what) : undefined
}

/** Makes `count` calls one by one; returns the files that they passed through in this thread and that of the pool. */
export async function caller(count: number): Promise<readonly string[]> {
  await funcs.call('bench:called', 'start')
  startCounting()
  for (let i = 0; i < count; i += 1) {
    await funcs.call('bench:called', {})
    await turn()
  }
  const here = filesCounted(count * most)
  const there: unknown = await funcs.call('bench:called', count * most)
  return [...here, ...(Array.isArray(there) ? there.map(String) : [])]
}
