/**
 * The thread protocol, spoken at random by hostile threads and by a hostile operating-system process: they get nothing
 * beyond what they were given, honest work continues, and the program does not end. Prints on standard error how often
 * its event loop was blocked for more than 50 ms, in a time without attacks and in one with them.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Place, ScenesOfAttack } from '../../packages/troupe/src/testing/protocol-attack.ts'
import { useLauncher } from '../peers/launcher.ts'
import { BadInput, type Runs } from './lib/inputs.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const canIsolate = canSeal && process.platform === 'linux'
const places: readonly Place[] = [
  'guarded',
  'shared',
  ...(canSeal ? (['sealed'] as const) : []),
  ...(canIsolate ? (['process'] as const) : []),
]
const steps = 400
const held = 50
/** A stall shows as a timer that fires late by that time. */
const tick = 5

/** Counts long turns of the event loop. */
class Stalls {
  count = 0
  longest = 0
  #last = performance.now()

  constructor() {
    setInterval(() => {
      const now = performance.now()
      const late = now - this.#last - tick
      this.#last = now
      this.longest = Math.max(this.longest, late)
      if (late > held) this.count += 1
    }, tick).unref()
  }

  /** Returns the count since the last call. */
  take(): string {
    const words = `${this.count} turns of more than ${held} ms, the longest ${Math.round(this.longest)} ms`
    this.count = 0
    this.longest = 0
    return words
  }
}

/** An input is a place, a seed and a way: `guarded 7 breaking`. */
export async function replay(input: string): Promise<void> {
  const [given, seed, way] = input.trim().split(' ')
  const place = places.find((known) => known === given)
  // Where this Node, or this system, has no such place, there is nothing to try.
  if (place === undefined) return
  if (place === 'process') await useLauncher()
  await using scene = await ScenesOfAttack.start(place)
  await attack(scene, place, Number(seed), way === 'breaking' ? 'breaking' : 'obedient')
}

async function attack(scene: ScenesOfAttack, place: Place, seed: number, way: 'obedient' | 'breaking'): Promise<void> {
  try {
    await scene.attack(place, seed, steps, way)
  } catch (error) {
    throw new BadInput(`${place} ${seed} ${way}`, error)
  }
}

export default async function fuzz(seconds: number, seed: number): Promise<Runs> {
  if (canIsolate) await useLauncher()
  await using scene = await ScenesOfAttack.start(...places)
  const stalls = new Stalls()
  const start = performance.now()
  const part = (seconds * 1000) / 4
  stalls.take()
  await sleep(part)
  const control = stalls.take()
  let runs = 0
  for (; performance.now() - start < seconds * 1000; runs += 1) {
    const place = places[runs % places.length] ?? 'guarded'
    await attack(scene, place, seed + runs, runs % 8 < 4 ? 'obedient' : 'breaking')
  }
  writeSync(2, `without attacks ${Math.round(part)} ms: ${control}\nwith ${runs}, three times as long: ${stalls.take()}\n`)
  return { runs }
}
