/** Programs of processes that share a thread. */
import { isPid, type Pid, TroupeError } from '@troupe/core'
import { processes, self } from '../../index.ts'

const host = 'app:host'

/** Replies to `ask` with its pid; ends at `stop`; fails at `fail`; does other requested work. */
export async function member(): Promise<string> {
  for await (const message of self.inbox) {
    switch (message.topic) {
      case 'ask':
        message.reply(self.pid)
        break
      case 'name':
        await processes.names.register(String(message.payload))
        message.reply()
        break
      case 'fail':
        throw new TypeError('requested failure')
      case 'timer':
        setTimeout(() => {
          throw new RangeError('in a timer')
        })
        break
      case 'exit':
        exit()
        break
      case 'spin':
        message.reply()
        setImmediate(spin, message.payload)
        break
      case 'toil':
        message.reply()
        toil()
        break
      default:
        return 'stopped'
    }
  }
  return 'cancelled'
}

function exit(): void {
  process.exit(7)
}

/** Never returns. @param begun - Where it writes that it runs, if that matters. */
function spin(begun: unknown): void {
  if (begun instanceof Int32Array) Atomics.store(begun, 0, 1)
  for (let i = 0; i >= 0; i += 0) Array(1000).fill(i)
}

/** Leaves its thread no rest, and comes back to the event loop again and again. */
function toil(): void {
  const until = performance.now() + 20
  while (performance.now() < until) Array(1000).fill(0)
  setImmediate(toil)
}

/** Starts children in the same host and answers their pids, the last few of which it started by itself. */
export async function parent(count: number): Promise<void> {
  const children: Pid[] = []
  for (let i = 0; i < count; i += 1) {
    const child = await processes.spawn('app:crowd.member', host)
    await processes.call(child, 'ask')
    children.push(child)
  }
  for await (const message of self.inbox) {
    if (message.topic !== 'children') return
    message.reply(children)
  }
}

/** The kind of the error with which the child after the last that fits is refused. */
export async function overfill(count: number): Promise<string> {
  for (let i = 0; i < count; i += 1) await processes.spawn('app:crowd.member', host)
  return processes.spawn('app:crowd.member', host).then(
    () => 'none',
    (error: unknown) => (error instanceof TroupeError ? error.kind : String(error)),
  )
}

/** Talks to another without a pause, until a timer stops it. */
export async function chatter(): Promise<number> {
  const other = await processes.spawn('app:crowd.echo', host)
  const clock = { isOver: false }
  setTimeout(() => {
    clock.isOver = true
  })
  let rounds = 0
  while (!clock.isOver) {
    processes.trySend(other, 'ping', rounds)
    await self.receive()
    rounds += 1
  }
  return rounds
}

export async function echo(): Promise<void> {
  for await (const message of self.inbox) processes.trySend(message.from, 'pong', message.payload)
}

/** Becomes `next` on request, with the number of its messages. */
export async function first(next: string): Promise<unknown> {
  let seen = 0
  for await (const message of self.inbox) {
    if (message.topic === 'upgrade') {
      try {
        return await self.upgrade(next, seen)
      } catch (error) {
        message.reply(error instanceof TroupeError ? error.kind : String(error))
      }
    } else {
      seen += 1
      message.reply(['first', seen])
    }
  }
  return 'first'
}

export async function second(seen: number): Promise<unknown> {
  for await (const message of self.inbox) {
    if (message.topic === 'stop') return ['second', seen]
    message.reply(['second', seen, self.pid])
  }
  return 'cancelled'
}

/** The overlay that a child has which this process started by itself. */
export async function inherits(): Promise<unknown> {
  const children: Pid[] = []
  for (let i = 0; i < 3; i += 1) {
    children.push(await processes.spawn('app:crowd.member', host))
    await processes.call(children.at(-1) ?? self.pid, 'ask')
  }
  const last = children.at(-1)
  if (last === undefined || !isPid(last)) return undefined
  await processes.call(last, 'name', 'heir')
  await self.receive()
  return last
}
