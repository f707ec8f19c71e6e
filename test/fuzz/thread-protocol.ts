/**
 * The thread protocol, spoken at random by hostile threads and by a hostile operating-system process: they get nothing
 * beyond what they were given, honest work continues, the program does not end, and no thread holds its event loop for
 * more than 50 ms of processor time.
 */
import { type Place, ScenesOfAttack } from '../../packages/troupe/src/testing/protocol-attack.ts'
import { useLauncher } from '../peers/launcher.ts'
import { BadInput, type Runs } from './lib/inputs.ts'
import { TurnWatch } from './lib/turns.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const canIsolate = canSeal && process.platform === 'linux'
const places: readonly Place[] = [
  'guarded',
  'shared',
  ...(canSeal ? (['sealed'] as const) : []),
  ...(canIsolate ? (['process'] as const) : []),
]
const steps = 400
/** Milliseconds of processor time for which no thread holds the loop of the kernel. */
const held = 50

let watch: TurnWatch | undefined
const turns = (): TurnWatch => (watch ??= new TurnWatch(held))

/** An input is a place, a seed and a way: `guarded 7 breaking`. */
export async function replay(input: string): Promise<void> {
  const [given, seed, way] = input.trim().split(' ')
  const place = places.find((known) => known === given)
  // Where this Node, or this system, has no such place, there is nothing to try.
  if (place === undefined) return
  if (place === 'process') await useLauncher()
  turns()
  await using scene = await ScenesOfAttack.start(place)
  await turns().take()
  await attack(scene, place, Number(seed), way === 'breaking' ? 'breaking' : 'obedient')
}

async function attack(scene: ScenesOfAttack, place: Place, seed: number, way: 'obedient' | 'breaking'): Promise<void> {
  try {
    await scene.attack(place, seed, steps, way)
    const long = (await turns().take()).filter(({ thread }) => thread !== undefined && thread !== 0)
    const words = long.map(({ thread, took }) => `${Math.round(took)} ms by thread ${thread}`)
    if (words.length > 0) throw new Error(`the loop of the kernel was held: ${words.join(', ')}`)
  } catch (error) {
    throw new BadInput(`${place} ${seed} ${way}`, error)
  }
}

export default async function fuzz(seconds: number, seed: number): Promise<Runs> {
  if (canIsolate) await useLauncher()
  const watched = turns()
  await using scene = await ScenesOfAttack.start(...places)
  await watched.take()
  const start = performance.now()
  let runs = 0
  for (; performance.now() - start < seconds * 1000; runs += 1) {
    const place = places[runs % places.length] ?? 'guarded'
    await attack(scene, place, seed + runs, runs % 8 < 4 ? 'obedient' : 'breaking')
  }
  if (watched.turns < runs) throw new Error('the turns of the loop were not seen')
  return { runs }
}
