/** For tests: a walk over everything that can happen to an overlay, in the order that a seed determines. */
import { sleep } from '@troupe/core'
import { dial } from '../dial/dial.ts'
import { echoed, id, type Stage } from './trouble-stages.ts'
import type { Trouble } from './trouble-relay.ts'

export const troubles: readonly Trouble[] = [
  'refuses',
  'closes',
  'resets',
  'is silent',
  'answers garbage',
  'breaks off in the middle',
]

/** What a step does to the overlay: trouble on the path to its peer, or a refusal of its login by the peer. */
const happenings = [...troubles, 'withdraws the login'] as const

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * One step: trouble starts while a stream is open, dials fail, the trouble ends, and then everything works again.
 *
 * @throws Error the first deviation from that.
 */
export async function step(
  { relay, overlays, target, admit }: Stage,
  random: () => number,
  patience: number,
): Promise<void> {
  const happening = happenings[Math.floor(random() * happenings.length)] ?? 'closes'
  using stream = await openStream(overlays, target)
  using _clock = random() < 0.3 ? shiftedClock((random() - 0.5) * 2 * day) : undefined
  if (happening === 'withdraws the login') admit(false)
  else await relay.make(happening)
  const isCut = random() < 0.5
  if (isCut) relay.cut()
  else if (!(await stream.says('more'))) throw new Error(`an open stream did not survive that its peer ${happening}`)
  for (const outcome of await Promise.all(Array.from({ length: 3 }, async () => outcomeOf(overlays, target))))
    if (outcome === 'hello') throw new Error(`a dial went through while the peer ${happening}`)
  admit(true)
  await relay.make('works')
  await until(
    async () => (await outcomeOf(overlays, target)) === 'hello',
    patience,
    `dials after the peer ${happening}`,
  )
  await until(async () => isUp(overlays), patience, `the state after the peer ${happening}`)
  if (isCut !== (await stream.ended()))
    throw new Error(`a stream that was ${isCut ? '' : 'not '}cut is ${isCut ? 'open' : 'closed'}`)
  if (relay.strays > 0) throw new Error(`${relay.strays} connections went to a closed port`)
}

export const day = 86_400_000

/** Shifts the system's clock by that many milliseconds, until it is reset. */
export function shiftedClock(milliseconds: number): Disposable {
  const { now } = Date
  Date.now = () => now() + Math.round(milliseconds)
  return { [Symbol.dispose]: () => void (Date.now = now) }
}

/** An open stream, which echoes its input. */
async function openStream(overlays: Stage['overlays'], target: Stage['target']) {
  const socket = await dial(overlays.route(id), target, { timeout: 20_000 })
  let heard = ''
  socket.on('error', () => undefined).on('data', (chunk) => void (heard += String(chunk)))
  const says = async (word: string) => {
    const wanted = heard.length + word.length
    socket.write(word)
    while (heard.length < wanted && !socket.closed) await sleep(5)
    return heard.endsWith(word)
  }
  const ended = async () => socket.closed || !(await says('still'))
  await says('first')
  return { says, ended, [Symbol.dispose]: () => void socket.destroy() }
}

async function outcomeOf(overlays: Stage['overlays'], target: Stage['target']): Promise<string> {
  return echoed(overlays, target).catch(String)
}

async function isUp(overlays: Stage['overlays']): Promise<boolean> {
  overlays.get(id).doubt?.()
  return (await overlays.status(id))?.state === 'up'
}

async function until(condition: () => Promise<boolean>, patience: number, what: string): Promise<void> {
  const end = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not as it should be in ${patience} ms`)
    await sleep(50)
  }
}
