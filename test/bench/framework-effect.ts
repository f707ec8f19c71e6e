/** Fibers and queues of Effect. Operations per second. */
import { Deferred, Effect, Fiber, Queue } from 'effect'

/** The limit of a mailbox here, too. */
const capacity = 1024

async function rate(count: number, effect: Effect.Effect<unknown>): Promise<number> {
  const begin = performance.now()
  await Effect.runPromise(effect)
  return (count / (performance.now() - begin)) * 1000
}

export async function effectMessages(count: number): Promise<number> {
  const program = Effect.gen(function* () {
    const queue = yield* Queue.make<number>({ capacity })
    const sink = yield* Effect.forkChild(
      Effect.gen(function* () {
        for (let left = count; left > 0; left -= 1) yield* Queue.take(queue)
      }),
    )
    for (let i = 0; i < count; i += 1) yield* Queue.offer(queue, i)
    yield* Fiber.join(sink)
  })
  return rate(count, program)
}

export async function effectReplies(count: number): Promise<number> {
  const program = Effect.gen(function* () {
    const queue = yield* Queue.make<{ readonly payload: number; readonly reply: Deferred.Deferred<number> }>({
      capacity,
    })
    const replier = yield* Effect.forkChild(
      Effect.gen(function* () {
        for (;;) {
          const { payload, reply } = yield* Queue.take(queue)
          yield* Deferred.succeed(reply, payload)
        }
      }),
    )
    for (let i = 0; i < count; i += 1) {
      const reply = yield* Deferred.make<number>()
      yield* Queue.offer(queue, { payload: i, reply })
      yield* Deferred.await(reply)
    }
    yield* Fiber.interrupt(replier)
  })
  return rate(count, program)
}

export async function effectSpawns(count: number): Promise<number> {
  const program = Effect.gen(function* () {
    for (let i = 0; i < count; i += 100) {
      const batch: Fiber.Fiber<void>[] = []
      for (let k = 0; k < 100; k += 1) batch.push(yield* Effect.forkChild(Effect.void))
      for (const fiber of batch) yield* Fiber.join(fiber)
    }
  })
  return rate(count, program)
}
