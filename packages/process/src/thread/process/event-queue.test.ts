import { expect, it } from 'vitest'
import { EventQueue, type ProcessEvent } from './event-queue.ts'

const cancel = (reason: string): ProcessEvent => ({ type: 'CANCEL', reason })

it('returns events in order, to earlier and waiting readers', async () => {
  const events = new EventQueue()
  events.push(cancel('a'))
  const iterator = events[Symbol.asyncIterator]()
  expect((await iterator.next()).value).toEqual(cancel('a'))
  const waiting = [iterator.next(), events[Symbol.asyncIterator]().next()]
  events.push(cancel('b'))
  events.push(cancel('c'))
  expect((await Promise.all(waiting)).map(({ value }) => value as unknown)).toEqual([cancel('b'), cancel('c')])
})

it('allows a loop to be left and restarted', async () => {
  const events = new EventQueue()
  for (const reason of ['a', 'b']) events.push(cancel(reason))
  for (const reason of ['a', 'b']) {
    for await (const event of events) {
      expect(event).toEqual(cancel(reason))
      break
    }
  }
})

it('ends, after the remaining events', async () => {
  const events = new EventQueue()
  const iterator = events[Symbol.asyncIterator]()
  events.push(cancel('a'))
  events.close()
  expect((await iterator.next()).value).toEqual(cancel('a'))
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
  const other = new EventQueue()
  const waiting = other[Symbol.asyncIterator]().next()
  other.close()
  expect(await waiting).toEqual({ done: true, value: undefined })
})
