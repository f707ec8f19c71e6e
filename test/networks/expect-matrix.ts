/** The tests of a batch of clients: at every edge, each item of each client goes through its own network. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { canSeal, type EdgeName, Matrix } from './matrix.ts'
import type { Batch } from './servers/start.ts'

const edges: readonly EdgeName[] = ['function pool', 'inline', 'shared host', 'messages', 'service']

export interface Options {
  readonly batch: Batch
  readonly names: readonly string[]
}

export function expectOwnNetworks({ batch, names }: Options): void {
  let matrix: Matrix
  beforeAll(async () => {
    matrix = await Matrix.start(batch, names)
  })
  afterAll(async () => matrix[Symbol.asyncDispose]())

  describe.each<EdgeName>([...edges, ...(canSeal ? (['sealed host'] as const) : [])])('%s', (edge) => {
    beforeAll(async () => matrix.run(edge))

    it.each(names)('%s: each item in its own network, or not at all', (client) => {
      expect(matrix.strays(edge, client)).toEqual([])
    })

    it.each(names)('%s: works in each network whose proxy runs', (client) => {
      const failed = matrix
        .said(edge, client)
        .filter(({ network, outcome }) => (outcome === 'done') !== (network !== 'dead'))
      expect(failed).toEqual([])
    })
  })
}
