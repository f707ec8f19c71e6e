import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { internals, symbolOf } from './internals.ts'

it('finds the internals that the guard uses in this Node', () => {
  expect(internals().reinitialize.description).toBe('kReinitializeHandle')
})

it('reports what is missing, in which Node, and what to do', () => {
  expect(() => symbolOf(Socket.prototype, 'kGone', 'net.Socket.prototype')).toThrow(
    expect.objectContaining({
      kind: 'Internal',
      message:
        `this Node (${process.version}) is not supported: net.Socket.prototype has no ` +
        'kGone, so sockets could not be kept on their overlays. Use Node 24.21 or 26.10',
    }),
  )
})
