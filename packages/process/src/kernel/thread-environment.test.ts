import { describe, expect, it } from 'vitest'
import { environmentOf } from './thread-environment.ts'

const all = { TZ: 'UTC', SECRET: 'x', NODE_OPTIONS: '--allow-net', NODE_COMPILE_CACHE: '/cache' }

describe('the environment of a thread', () => {
  it('is that of the program, if no list is given', () => {
    expect(environmentOf(all, false, undefined)).toBe(all)
  })

  it('is the list, and the compile cache', () => {
    expect(environmentOf(all, false, ['TZ', 'ABSENT'])).toEqual({ TZ: 'UTC', NODE_COMPILE_CACHE: '/cache' })
  })

  it('is empty in a sealed thread, except for listed variables that give no permissions', () => {
    expect(environmentOf(all, true, undefined)).toEqual({})
    expect(environmentOf(all, true, ['TZ', 'NODE_OPTIONS'])).toEqual({ TZ: 'UTC' })
  })
})
