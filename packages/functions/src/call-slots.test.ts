import { describe, expect, it } from 'vitest'
import { slotCount, CallSlots } from './call-slots.ts'

/** The two sides of a board. */
function sides(): { readonly kernel: CallSlots; readonly thread: CallSlots } {
  const kernel = new CallSlots()
  return { kernel, thread: new CallSlots(kernel.memory) }
}

describe('a call in its slot', () => {
  it.each([
    ['begun by the thread cannot be taken back', ['takeUp', 'withdraw']],
    ['that was taken back cannot be begun', ['withdraw', 'takeUp']],
    ['is begun once', ['takeUp', 'takeUp']],
    ['is taken back once', ['withdraw', 'withdraw']],
  ] as const)('%s', (_, [first, second]) => {
    const { kernel, thread } = sides()
    const act = { takeUp: () => thread.takeUp(3, 7), withdraw: () => kernel.withdraw(3, 7) }
    kernel.post(3, 7)
    expect([act[first](), act[second]()]).toEqual([true, false])
  })

  it('is not taken for another call in the same slot', () => {
    const { kernel, thread } = sides()
    const last = slotCount - 1
    kernel.post(last, 1)
    expect(kernel.withdraw(last, 1)).toBe(true)
    kernel.post(last, 0x7fffffff)
    expect(thread.takeUp(last, 1)).toBe(false)
    expect(thread.takeUp(last, 0x7fffffff)).toBe(true)
    expect(kernel.withdraw(last, 0x7fffffff)).toBe(false)
  })
})
