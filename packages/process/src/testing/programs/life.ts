/** Programs that end, in all the ways there are. */
import { setTimeout as sleep } from 'node:timers/promises'
import { processes, self } from '@troupe/process'

export function answer(value: unknown) {
  return value
}

export function who() {
  return self.pid
}

export function fail(message: string) {
  throw new RangeError(message)
}

export function failWithField() {
  throw Object.assign(new TypeError('typed'), { code: 'E_FIELD', kind: 'Conflict' })
}

export function failNastily() {
  throw Object.defineProperty(new Error('nice'), 'message', {
    get() {
      throw new Error('nasty')
    },
  })
}

export function failWithText() {
  // oxlint-like rules forbid it in our code, not in that of others.
  const thrown: unknown = 'just a text'
  throw thrown
}

export function uncloneable() {
  return { a: [() => 5] }
}

export function exit(code: number) {
  process.exit(code)
}

export function loop() {
  for (;;);
}

/** Sends, and never comes back. */
export async function sendAndLoop(to: string) {
  await processes.send(to, 'before', 1)
  await sleep(1)
  for (;;);
}

export function exhaust() {
  const hoard: unknown[] = []
  for (;;) hoard.push(Array.from({ length: 1000 }, (_, i) => ({ i })))
}

export async function rejectUnseen() {
  void Promise.reject(new Error('unhandled'))
  await self.receive()
}

export async function failInTimer() {
  setTimeout(() => {
    throw new Error('late trouble')
  }, 1)
  await self.receive()
}

/** Prints, and ends at once. */
export function print(lines: number) {
  for (let n = 0; n < lines; n += 1) process.stdout.write(`line ${n} ${'x'.repeat(100)}\n`)
}

export function printAndFail(lines: number) {
  print(lines)
  throw new Error('after printing')
}

/** Waits for a message; returns its payload. Says so when it is asked whether it is there. */
export async function wait() {
  let message = await self.receive()
  for (; message.topic === 'there?'; message = await self.receive()) message.reply()
  return message.payload
}

/** Runs until it is cancelled; returns the reason it was given, by event and by signal. */
export async function untilCancelled() {
  for await (const _ of self.inbox);
  const reason: unknown = self.signal.reason
  for await (const event of self.events) return { event, reason: reason instanceof Error ? reason.message : reason }
  return undefined
}

/** Continues after a cancellation. */
export async function stubborn() {
  self.signal.addEventListener('abort', () => undefined)
  await new Promise(() => undefined)
}

/** Keeps its thread alive with nothing, and waits for nothing. */
export async function forget() {
  await new Promise(() => undefined)
}
