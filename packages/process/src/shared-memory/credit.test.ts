import { describe, expect, it } from 'vitest'
import { Credit, Receipt } from './credit.ts'

function pair(window: number) {
  const receipt = new Receipt()
  return { receipt, credit: new Credit(receipt.word, window) }
}

describe('credit', () => {
  it('is a window of unread bytes', () => {
    const { receipt, credit } = pair(2)
    expect([credit.take(), credit.take(), credit.take()]).toEqual([true, true, false])
    receipt.tell(1)
    expect([credit.take(), credit.take()]).toEqual([true, false])
  })

  it('is waited for until more is read', async () => {
    const { receipt, credit } = pair(1)
    credit.take()
    const more = credit.more()
    receipt.tell(1)
    await more
    expect(credit.take()).toBe(true)
  })

  it('ends the wait when the reader is gone', async () => {
    const { credit } = pair(1)
    credit.take()
    const more = credit.more()
    credit.close()
    await more
    expect(credit.take()).toBe(false)
  })
})
