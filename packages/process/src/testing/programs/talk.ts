/** Programs that exchange messages. */
import { type Pid, pid, threadOf, TroupeError } from '@troupe/core'
import { processes, self } from '@troupe/process'

/** Answers each call with what it was sent, until it is cancelled. Returns how many there were. */
export async function echo() {
  let count = 0
  for await (const message of self.inbox) {
    count += 1
    message.reply(message.payload)
  }
  return count
}

/** Returns the payloads of the next `count` messages, and of which topics they were. */
export async function collect(count: number) {
  const got: unknown[] = []
  while (got.length < count) {
    const { topic, payload } = await self.receive()
    got.push([topic, payload])
  }
  return got
}

/** Sends numbers, one after the other, and returns. */
export async function count(to: string, upTo: number) {
  for (let n = 0; n < upTo; n += 1) await processes.send(to, 'n', n)
}

/** Sends numbers and returns without waiting for any. */
export function countAndRun(to: string, upTo: number) {
  for (let n = 0; n < upTo; n += 1) void processes.send(to, 'n', n)
}

/** Sends without end, as fast as there is room. */
export async function flood(to: string) {
  for (let n = 0; ; n += 1) await processes.send(to, 'n', n)
}

/** Spawns and monitors a program that sends numbers here; returns all that it got, message and event, in order. */
export async function hearOut(program: string, upTo: number) {
  const heard: unknown[] = []
  const child = await processes.spawnMonitored(program, 'app:host', self.pid, upTo)
  const { value: event } = await self.events[Symbol.asyncIterator]().next()
  // What it sent is there by now.
  for (;;) {
    const message = await self.receive({ timeout: 0 }).catch(() => undefined)
    if (message === undefined) break
    heard.push(message.payload)
  }
  return { heard, event: event?.type, from: event !== undefined && 'from' in event && event.from === child }
}

/** Waits for a message that says `go`, and then takes `count` numbers. */
export async function afterSignal(count: number) {
  await self.receive({ topic: 'go' })
  return collect(count)
}

/** Sends numbers to a name; gives that to another process meanwhile, and ends the first. Answers what failed. */
export async function sendToTwo(name: string, first: Pid, second: Pid, upTo: number) {
  const sent = Array.from({ length: upTo }, async (_, n) => processes.send(name, 'n', n))
  const outcomes = Promise.allSettled(sent)
  // Answered after all that was asked before: by then they are on their way.
  await processes.names.lookup(name)
  await processes.names.unregister(name)
  await processes.names.register(name, second)
  await processes.cancel(first)
  return (await outcomes).flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []))
}

/** Takes nothing, until it is cancelled. */
export async function ignore() {
  await new Promise<void>((resolve) => {
    self.signal.addEventListener('abort', () => {
      resolve()
    })
  })
}

/** Says yes to whether there was room, `times` times, without pause. */
export function offer(to: Pid, times: number) {
  return Array.from({ length: times }, (_, n) => processes.trySend(to, 'n', n))
}

/** Fills a mailbox and returns how many messages fitted. Credit is given for half of the mailbox at a time. */
export async function fill(to: Pid) {
  await processes.send(to, 'n', 'first')
  let fitted = 1
  for (let full = 0; full < 3; full += 1) {
    while (processes.trySend(to, 'n', fitted)) {
      fitted += 1
      full = 0
    }
    await reports(to)
  }
  return fitted
}

/** Settles when the receiver's thread has handled earlier messages: it reports absent processes only after those. */
async function reports(to: Pid) {
  for (let rest = 3; rest > 0; rest -= 1) {
    serial += 1
    await processes.call(pid(threadOf(to), serial), 'a').catch(() => undefined)
  }
}

/** Of processes that are not there. */
let serial = 1000

/** Replies to the first call never, to the second late for the first, to later ones at once. */
export async function late() {
  const first = await self.receive()
  const second = await self.receive()
  first.reply('late')
  second.reply('second')
  first.reply('later still')
  second.reply('again')
}

export async function call(to: string, topic: string, payload: unknown, timeout?: number) {
  return processes.call(to, topic, payload, timeout === undefined ? {} : { timeout })
}

/** Replies with a value that cannot be cloned, a transferred buffer, and an error. Returns whether the buffer moved. */
export async function replyOddly() {
  const bytes = new Uint8Array([1, 2, 3])
  for await (const message of self.inbox) {
    if (message.topic === 'function') message.reply({ deep: [() => 5] })
    else if (message.topic === 'bytes') message.reply(bytes, { transfer: [bytes.buffer] })
    else if (message.topic === 'error')
      message.reply({ error: Object.assign(new RangeError('far', { cause: new TypeError('x') }), { code: 'E_FAR' }) })
    else return bytes.byteLength === 0
  }
  return false
}

/** Sends without waiting, by `trySend` if `tries`. Returns how many were accepted, once the receiver handled them. */
export async function accepted(to: Pid, times: number, tries: boolean) {
  let count = 0
  for (let n = 0; n < times; n += 1) {
    if (tries) count += processes.trySend(to, 'n', n) ? 1 : 0
    else {
      const counted = processes.send(to, 'n', n).then(() => {
        count += 1
      })
      counted.catch(() => undefined)
    }
  }
  await reports(to)
  return count
}

/** Calls itself, by its pid and by its name. Returns the kinds of the errors. */
export async function callSelf(name: string) {
  await processes.names.register(name)
  const kinds: unknown[] = []
  for (const to of [self.pid, name]) {
    await processes.call(to, 'a').catch((error: unknown) => kinds.push(kindOf(error)))
  }
  return kinds
}

/** Passes over all but a topic, and then replies to what is left. */
export async function replyOnSignal() {
  await self.receive({ topic: 'go' })
  for await (const message of self.inbox) message.reply('done')
}

/** Calls that many times at once. Returns replies, and kinds of errors. */
export async function callTimes(to: string, times: number) {
  return Promise.all(Array.from({ length: times }, async (_, n) => processes.call(to, 'job', n).catch(kindOf)))
}

function kindOf(error: unknown): unknown {
  return error instanceof TroupeError ? error.kind : error
}

/** Calls are answered by ending. */
export async function dieOnCall() {
  await self.receive()
  throw new Error('I would rather not')
}

/** A topic of its own, apart from the others. */
export async function listenTo(topic: string) {
  const got: unknown[] = []
  const subscription = self.listen(topic)
  const others: unknown[] = []
  void (async () => {
    for await (const message of self.inbox) others.push(message.payload)
  })()
  for await (const message of subscription) {
    got.push(message.payload)
    if (message.payload === 'last') subscription.close()
  }
  return { got, others }
}

/** Receives with a timeout. */
export async function receiveFor(timeout: number | string, topic?: string) {
  return (await self.receive({ timeout, ...(topic !== undefined && { topic }) })).payload
}

export async function moved(to: string) {
  const bytes = new Uint8Array([1, 2, 3])
  await processes.send(to, 'bytes', bytes, { transfer: [bytes.buffer] })
  return bytes.byteLength
}

/** Sends an object and changes it at once. */
export async function changed(to: string) {
  const value = { list: [1] }
  const sent = processes.send(to, 'value', value)
  value.list.push(2)
  const named = processes.send('collector', 'value', value)
  value.list.push(3)
  await Promise.all([sent, named])
}

/** Replies with the values of the frame that a call came with, twice: they can be read again. */
export async function readFrame() {
  for (let left = 2; left > 0; left -= 1) {
    const message = await self.receive()
    message.reply(message.frame.values)
  }
}
