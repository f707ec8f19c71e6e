/**
 * The thread protocol, spoken at random by hostile code: it gets nothing beyond what it was given, and honest work
 * continues.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Place, ScenesOfAttack } from './testing/protocol-attack.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const places: readonly Place[] = ['guarded', 'shared', ...(canSeal ? ['sealed' as const] : [])]
const seeds = [1, 2, 3]
const steps = 400
let scene: ScenesOfAttack

beforeAll(async () => {
  scene = await ScenesOfAttack.start(...places)
})
afterAll(async () => scene[Symbol.asyncDispose]())

describe.each(places)('in a %s host', (place) => {
  it.each(seeds)('well-formed messages, seed %i', async (seed) => {
    const before = scene.echoes
    const { asked } = await scene.attack(place, seed, steps, 'obedient')
    expect(asked).toBeGreaterThan(steps / 3)
    expect(scene.echoes).toBeGreaterThan(before)
  })

  it.each(seeds)('malformed ones among them, seed %i', async (seed) => {
    const before = scene.echoes
    await scene.attack(place, seed, steps, 'breaking')
    expect(scene.echoes).toBeGreaterThan(before)
  })
})
