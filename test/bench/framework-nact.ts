/** Actors of nact, as its documentation shows them: a state, a function of state and message. Operations per second. */
import { dispatch, query, type Ref, spawn, start, stop } from 'nact'

/** Messages to one actor; nothing limits its mailbox. */
export async function nactMessages(count: number): Promise<number> {
  const system = start()
  const { promise, resolve } = Promise.withResolvers<void>()
  const sink = spawn(
    system,
    (left = count, _message: number) => {
      if (left === 1) resolve()
      return left - 1
    },
    'sink',
  )
  const begin = performance.now()
  for (let i = 0; i < count; i += 1) dispatch(sink, i)
  await promise
  const rate = (count / (performance.now() - begin)) * 1000
  stop(system)
  return rate
}

interface Asked {
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- nact declares references as empty classes
  readonly sender: Ref<number>
  readonly payload: number
}

export async function nactReplies(count: number): Promise<number> {
  const system = start()
  const replier = spawn(system, (_state: undefined, { sender, payload }: Asked) => dispatch(sender, payload), 'replier')
  const begin = performance.now()
  const asking = (payload: number) => (sender: Asked['sender']) => ({ sender, payload })
  for (let i = 0; i < count; i += 1) await query(replier, asking(i), 1000)
  const rate = (count / (performance.now() - begin)) * 1000
  stop(system)
  return rate
}

/** Actors that end with their first message. */
export async function nactSpawns(count: number): Promise<number> {
  const system = start()
  const begin = performance.now()
  for (let i = 0; i < count; i += 100) {
    const batch = Array.from({ length: 100 }, async (_, k) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const options = { afterStop: () => resolve() }
      const actor = spawn(system, (_state: undefined, _message: number, { self }) => stop(self), `a${i + k}`, options)
      dispatch(actor, 0)
      return promise
    })
    await Promise.all(batch)
  }
  const rate = (count / (performance.now() - begin)) * 1000
  stop(system)
  return rate
}
