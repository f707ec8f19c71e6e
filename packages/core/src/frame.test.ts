import { describe, expect, it } from 'vitest'
import { currentFrame, currentSlot, emptyFrame, enterSlot, type Frame, fork, runInFrame, runInSlot } from './frame.ts'
import { entryId } from './id.ts'

const overlay = entryId('app:proxy')
const full: Frame = fork(emptyFrame, {
  overlay,
  actor: { id: 'anna', meta: {} },
  scope: [entryId('app:readers')],
  values: { tenant: 'a' },
  deadline: 1000,
  trace: '00-1-2-01',
})

describe('a fork', () => {
  it('inherits what it does not change, and can remove values', () => {
    expect(fork(full, {})).toEqual(full)
    expect(fork(full, { overlay: null })).toEqual({ ...full, overlay: null })
    expect(fork(full, { overlay: undefined, actor: undefined, scope: undefined })).toEqual({
      ...full,
      overlay: undefined,
      actor: undefined,
      scope: undefined,
    })
  })

  it('merges values, and does not change those of its parent', () => {
    expect(fork(full, { values: { request: 1 } }).values).toEqual({ tenant: 'a', request: 1 })
    expect(full.values).toEqual({ tenant: 'a' })
  })

  it('can shorten the deadline, never extend it', () => {
    expect(fork(full, { deadline: 500 }).deadline).toBe(500)
    expect(fork(full, { deadline: 2000 }).deadline).toBe(1000)
    expect(fork(emptyFrame, { deadline: 2000 }).deadline).toBe(2000)
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(full)).toBe(true)
    expect(Object.isFrozen(full.values)).toBe(true)
  })
})

describe('the current frame', () => {
  it('is undefined outside, and follows the code started inside', async () => {
    expect(currentFrame()).toBeUndefined()
    const inside = runInFrame(full, async () => {
      await Promise.resolve()
      return currentFrame()
    })
    expect(currentFrame()).toBeUndefined()
    expect(await inside).toBe(full)
  })

  it('keeps its owner when the frame is forked', () => {
    const owner = {}
    runInSlot({ frame: emptyFrame, owner }, () => {
      runInFrame(full, () => {
        expect(currentSlot()).toEqual({ frame: full, owner })
      })
    })
  })

  it('is written into a slot that was entered before a wait', async () => {
    await runInSlot({ frame: emptyFrame, owner: undefined }, async () => {
      const slot = { frame: emptyFrame, owner: undefined }
      enterSlot(slot)
      const wait = Promise.resolve()
      slot.frame = full
      await wait
      expect(currentFrame()).toBe(full)
    })
    expect(currentFrame()).toBeUndefined()
  })
})
