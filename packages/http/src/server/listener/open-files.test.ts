import { describe, expect, it } from 'vitest'
import { connectionsByDefault } from './open-files.ts'

describe('connections of a service without a limit', () => {
  it.each([
    ['Max processes 5 5 processes\nMax open files            1024                 4096                 files', 512],
    ['Max open files            unlimited            unlimited            files', 10_000],
    ['', 10_000],
  ])('leave half of the open files to others: %j', (limits, connections) => {
    expect(connectionsByDefault(limits)).toBe(connections)
  })

  it('are limited here', () => {
    expect(connectionsByDefault()).toBeGreaterThan(0)
  })
})
