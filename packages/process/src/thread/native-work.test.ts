import { createRequire, Module } from 'node:module'
import { describe, expect, it } from 'vitest'
import { nativeWork } from './native-work.ts'

const { cache } = createRequire(import.meta.url)
const addon = '/somewhere/addon.node'

describe('native work', () => {
  it('is waited for until the loop runs dry, where an addon was loaded', async () => {
    let released = false
    cache[addon] = new Module(addon)
    try {
      const work = nativeWork(() => {
        released = true
      })
      expect(released).toBe(true)
      process.emit('beforeExit', 0)
      await work
    } finally {
      Reflect.deleteProperty(cache, addon)
    }
  })
})
