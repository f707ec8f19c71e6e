/** The requests that a thread was given, against a thread that is played here. */
import { once } from 'node:events'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { entryId, pid, TroupeError } from '@troupe/core'
import { CallSlots } from '@troupe/functions'
import { expect, it, onTestFinished } from 'vitest'
import type { FromWorker, PostedRequest, ToWorker, WorkerRequest } from './protocol.ts'
import { RequestWorker, type Task } from './worker.ts'

const route = {
  program: { entry: entryId('app:hello'), module: 'file:///hello.ts', method: 'hello' },
  service: entryId('app:web'),
  endpoint: entryId('app:endpoint'),
}
const request: WorkerRequest = {
  route,
  method: 'GET',
  url: '/',
  isSecure: false,
  headers: [],
  body: undefined,
  params: undefined,
  remoteAddress: undefined,
  deadline: undefined,
  trace: undefined,
  rare: undefined,
}
const id = pid(1, 1)

interface Job extends Task {
  readonly name: string
}

function start() {
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => {
    port1.close()
  })
  const outcomes = new Map<string, unknown>()
  const unbegun: string[] = []
  let ended = Promise.withResolvers<void>()
  const worker = new RequestWorker<Job>(id, port1, {
    onEnd: () => {
      ended.resolve()
      ended = Promise.withResolvers<void>()
    },
    onGone: (_worker, jobs) => {
      unbegun.push(...jobs.map(({ name }) => name))
    },
  })
  const job = (name: string): Job => ({
    name,
    resolve: (response) => outcomes.set(name, response),
    reject: (error) => outcomes.set(name, error),
  })
  const thread = new Thread(port2)
  return {
    worker,
    job,
    outcomes,
    unbegun,
    thread,
    port1,
    respond: async (posted: PostedRequest) => {
      const { promise } = ended
      thread.post([posted[0], 200, {}, 'hello'])
      await promise
    },
  }
}

/** The other side: reads what it was sent when the test asks for it. */
class Thread {
  slots = new CallSlots()
  readonly #port: MessagePort

  constructor(port: MessagePort) {
    this.#port = port
  }

  post(message: FromWorker): void {
    this.#port.postMessage(message)
  }

  /** Returns the batches of requests that have arrived. */
  batches(): (readonly PostedRequest[])[] {
    const batches: (readonly PostedRequest[])[] = []
    for (let next = received(this.#port); next !== undefined; next = received(this.#port)) {
      const { message } = next
      if (isBatch(message)) batches.push(message)
      else if (message.type === 'board') this.slots = new CallSlots(message.memory)
    }
    return batches
  }

  begin([number, place]: PostedRequest): boolean {
    return this.slots.takeUp(place, number)
  }
}

function received(port: MessagePort): { readonly message: ToWorker } | undefined {
  return receiveMessageOnPort(port)
}

function isBatch(message: ToWorker): message is readonly PostedRequest[] {
  return Array.isArray(message)
}

/** Responds to requests one after another, until more than one may be in the thread. */
async function grow({ worker, job, thread, respond }: ReturnType<typeof start>): Promise<void> {
  while (worker.room < 4) {
    worker.give(job('warm'), request, undefined)
    worker.flush()
    const [first] = thread.batches().flat()
    if (first !== undefined && thread.begin(first)) await respond(first)
  }
}

it('is given one request at a time until requests end fast; then several, in one message', async () => {
  const all = start()
  const { worker, job, thread } = all
  expect(worker.room).toBe(1)
  await grow(all)
  for (const name of ['a', 'b', 'c']) worker.give(job(name), request, undefined)
  worker.flush()
  expect(thread.batches().map((batch) => batch.length)).toEqual([3])
  expect(worker.size).toBe(3)
})

it('gives back what the thread has not begun, and only that', async () => {
  const all = start()
  await grow(all)
  const { worker, job, thread, outcomes, respond } = all
  const [a, b, c] = [job('a'), job('b'), job('c')]
  for (const each of [a, b, c]) worker.give(each, request, undefined)
  worker.flush()
  const [first, second] = thread.batches().flat()
  if (first === undefined || second === undefined) throw new Error('no requests have arrived')
  expect(thread.begin(first)).toBe(true)
  expect(worker.withdraw(a)).toBe(false)
  expect(worker.takeHalf()).toEqual([c])
  expect(worker.takeBack()).toEqual([b])
  expect(thread.begin(second)).toBe(false)
  await respond(first)
  expect(outcomes.get('a')).toBeInstanceOf(Response)
  expect(worker.size).toBe(0)
  expect(worker.room).toBeGreaterThan(0)
})

it('fails what the thread had begun when the thread ends, and returns the rest', async () => {
  const all = start()
  await grow(all)
  const { worker, job, thread, outcomes, unbegun, port1 } = all
  for (const name of ['a', 'b']) worker.give(job(name), request, undefined)
  worker.flush()
  const [first] = thread.batches().flat()
  if (first === undefined) throw new Error('no request has arrived')
  thread.begin(first)
  const closed = once(port1, 'close')
  port1.close()
  await closed
  expect(outcomes.get('a')).toBeInstanceOf(TroupeError)
  expect(outcomes.has('b')).toBe(false)
  expect(unbegun).toEqual(['b'])
})

it('fails a request whose body it was to send when the thread ends before it begins it', async () => {
  const { worker, job, thread, outcomes, unbegun, port1 } = start()
  const canceled = Promise.withResolvers<unknown>()
  const body = new ReadableStream<Uint8Array>({ cancel: canceled.resolve })
  worker.give(job('upload'), { ...request, method: 'POST', body: 'stream' }, body)
  worker.flush()
  expect(thread.batches().flat()).toHaveLength(1)
  const closed = once(port1, 'close')
  port1.close()
  await closed
  expect(outcomes.get('upload')).toBeInstanceOf(TroupeError)
  expect(await canceled.promise).toBeInstanceOf(TroupeError)
  expect(unbegun).toEqual([])
  expect(worker.size).toBe(0)
})

it('gives back a request that it is given after its thread has ended, with its body', async () => {
  const { worker, job, outcomes, unbegun, port1 } = start()
  const closed = once(port1, 'close')
  port1.close()
  await closed
  const body = new ReadableStream<Uint8Array>()
  worker.give(job('late'), { ...request, method: 'POST', body: 'stream' }, body)
  expect(unbegun).toEqual(['late'])
  expect(outcomes.has('late')).toBe(false)
  expect(body.locked).toBe(false)
  expect(worker.size).toBe(0)
})
