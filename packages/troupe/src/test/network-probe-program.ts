/**
 * The program of a probe in its own thread: it carries out the test's orders, which arrive as messages, and ends when
 * it is ordered to or cancelled.
 */
import { invalid } from '@troupe/core'
import { type Message, processes, self } from '@troupe/process'
import { EventLog } from './event-log.ts'
import { isOrder, type Order, orderTopic, type Outcome, type TakenMessage } from './orders.ts'

const events = new EventLog()
const taken: Message[] = []

export async function main(): Promise<unknown> {
  void collect()
  const ending = Promise.withResolvers<unknown>()
  const pending = new Set<Promise<void>>()
  void (async () => {
    for await (const message of self.listen(orderTopic)) {
      const order = message.payload
      if (!isOrder(order)) continue
      if (order.do === 'end') {
        message.reply({ value: undefined } satisfies Outcome)
        ending.resolve(order.value)
        return
      }
      const carriedOut = carryOut(order).then((outcome) => {
        message.reply(outcome)
        pending.delete(carriedOut)
      })
      pending.add(carriedOut)
    }
    // The probe was cancelled: a test that waits for that, or for a message, still receives it.
    await Promise.all(pending)
    ending.resolve(undefined)
  })()
  return ending.promise
}

async function collect(): Promise<void> {
  self.setOptions({ trapLinks: true })
  for await (const event of self.events) events.add(event)
}

async function carryOut(order: Order): Promise<Outcome> {
  try {
    return { value: await valueOf(order) }
  } catch (error) {
    return { error }
  }
}

async function valueOf(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'next':
      return take(
        await self.receive({ timeout: order.timeout, ...(order.topic !== undefined && { topic: order.topic }) }),
      )
    case 'event':
      return events.next(order.type, order.timeout, self.pid)
    case 'spawn':
      return processes.spawnMonitored(order.id, order.host, ...order.args)
    case 'send':
      return processes.send(order.to, order.topic, order.payload)
    case 'call':
      return processes.call(order.to, order.topic, order.payload)
    case 'reply':
      return taken[order.number]?.reply(order.payload)
    default:
      throw invalid(`a probe does not know the order "${order.do}"`)
  }
}

function take(message: Message): TakenMessage {
  const { topic, from, payload, frame, expectsReply } = message
  return { number: taken.push(message) - 1, topic, from, payload, frame, expectsReply }
}
