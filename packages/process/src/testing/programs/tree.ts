/** Programs that spawn others, with what they hand on. */
import { asTroupeError, currentFrame, type Pid, TroupeError } from '@troupe/core'
import { threadNetwork } from '@troupe/network'
import { processes, self } from '@troupe/process'
import { WritableStream } from 'node:stream/web'
import { MessageChannel } from 'node:worker_threads'

/** The frame that it runs in. */
export function frame() {
  return currentFrame()
}

/** Spawns itself to a depth, and answers the pids from the root down. */
export async function nest(depth: number): Promise<string[]> {
  if (depth === 0) return [self.pid]
  const below = await processes.exec('app:tree.nest', 'app:host', depth - 1)
  return [self.pid, ...(Array.isArray(below) ? below.map(String) : [])]
}

/** The frame of a child for which nothing is chosen. */
export async function childFrame() {
  return processes.exec('app:tree.frame', 'app:host')
}

/** The frame of a child with values and another overlay. */
export async function chosenFrame(network: string | null) {
  return processes.withOptions({ network }).withContext({ below: 2 }).exec('app:tree.frame', 'app:host')
}

/** Handles messages by telling the frame in force, and that of a child spawned meanwhile. */
export async function frames(count: number) {
  const seen: unknown[] = []
  for await (const message of self.inbox) {
    const before = currentFrame()?.overlay
    const child = await processes.exec('app:tree.frame', 'app:host')
    seen.push([
      before,
      typeof child === 'object' && child !== null && 'overlay' in child ? child.overlay : 'none',
      currentFrame()?.overlay,
    ])
    message.reply(seen.length)
    if (seen.length === count) break
  }
  return seen
}

/** Starts work for each message that looks at the frame after all were handled. */
export async function lateFrames(count: number) {
  const { promise: all, resolve } = Promise.withResolvers<void>()
  const work: Promise<unknown>[] = []
  for await (const message of self.inbox) {
    work.push(all.then(() => [message.payload, currentFrame()?.overlay]))
    if (work.length === count) break
  }
  resolve()
  return Promise.all(work)
}

/** Starts a process in another network with a message. */
export async function firstMessage(network: string) {
  return processes.withOptions({ network }).withMessage('first', 1).exec('app:tree.lateFrames', 'app:host', 1)
}

/** Sends something that may not cross. */
export async function sendThing(to: string, thing: string) {
  const { port1 } = new MessageChannel()
  const shared = new SharedArrayBuffer(4)
  const writable = new WritableStream()
  if (thing === 'port') await processes.send(to, 'frame', { deep: [port1] }, { transfer: [port1] })
  else if (thing === 'writable') await processes.send(to, 'frame', writable, { transfer: [writable] })
  else await processes.send(to, 'frame', thing === 'view' ? new Uint8Array(shared) : shared)
}

/** Tries to send shared memory before and after the two threads are introduced. Returns the outcome of each attempt. */
export async function tryShared(to: Pid) {
  const shared = new SharedArrayBuffer(4)
  const early = processes.trySend(to, 'frame', shared)
  await processes.send(to, 'frame', 'plain')
  try {
    return [early, processes.trySend(to, 'frame', shared)]
  } catch (error) {
    return [early, error instanceof TroupeError ? [error.kind, error.details['path']] : String(error)]
  }
}

/** Calls the target in whatever frame this runs. */
export async function callOnce(to: string) {
  return processes.call(to, 'frame', self.pid)
}

/** Sends in whatever frame this runs. */
export async function sendOnce(to: string, payload: unknown) {
  await processes.send(to, 'frame', payload)
}

/** Joins groups and receives until a message ends it. Returns the topics of messages and the types of events. */
export async function member(...groups: string[]) {
  self.setOptions({ trapLinks: true })
  for (const group of groups) await processes.groups.join(group)
  const heard: string[] = []
  const events = (async () => {
    for await (const { type } of self.events) heard.push(type)
  })()
  for await (const message of self.inbox) {
    if (message.topic === 'end') break
    heard.push(message.topic)
    message.reply(threadNetwork()?.overlay)
  }
  await Promise.race([events, new Promise(setImmediate)])
  return heard
}

/** Broadcasts to a group in whatever network this runs in. */
export async function broadcast(group: string) {
  return processes.groups.broadcast(group, 'news', 1)
}

/** Sends without waiting, and lives on until the message was dealt with. */
export async function sendUnheard(to: Pid) {
  // The threads know each other from then on.
  const refused = await processes.send(to, 'first').catch((error: unknown) => asTroupeError(error).kind)
  return [refused, processes.trySend(to, 'second', 1)]
}

/** Links and monitors a process of another network, cancels it, and returns the events of its end. */
export async function watchAndCancel(to: Pid) {
  self.setOptions({ trapLinks: true })
  await processes.link(to)
  await processes.monitor(to)
  await processes.cancel(to, 'enough')
  const types: string[] = []
  for await (const { type } of self.events) {
    types.push(type)
    if (types.length === 2) break
  }
  return types.toSorted()
}

/** Becomes another program. */
export async function become(entry: string) {
  return self.upgrade(entry).catch((error: unknown) => asTroupeError(error).kind)
}

/** The overlay of its thread. */
export function network() {
  return threadNetwork()?.overlay
}
