/**
 * The thread protocol, spoken at random by a hostile process with `isolation: process`: it gets nothing beyond what it
 * was given, and honest work continues.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ScenesOfAttack } from './testing/protocol-attack.ts'

const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('in a process of its own', () => {
  let scene: ScenesOfAttack

  beforeAll(async () => {
    scene = await ScenesOfAttack.start('process')
  })
  afterAll(async () => scene[Symbol.asyncDispose]())

  it.each(['obedient', 'breaking'] as const)('messages of three seeds: %s', async (manner) => {
    for (const seed of [1, 2, 3]) {
      const before = scene.echoes
      await scene.attack('process', seed, 400, manner)
      expect(scene.echoes).toBeGreaterThan(before)
    }
  })
})

when(!canSeal)('where Node has no permission for the network', () => {
  it('has no such processes', () => {
    expect(process.versions.node.startsWith('24.')).toBe(true)
  })
})
