import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envelope, mailbox, wait } from '../testing/mailbox.ts'
import { ReceiveWindow } from './reservations.ts'

describe('messages of another thread', () => {
  it('are accounted for once, whichever way they leave', () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), topic: fc.constantFrom('a', 'b', 't') }) },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('take' as const), topic: fc.constantFrom(undefined, 'a', 'b', 'none') }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('wait' as const), topic: fc.constantFrom(undefined, 'a', 'b') }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ do: fc.constantFrom('open' as const, 'shut' as const, 'takeOwn' as const) }),
      },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, capacity) => {
        const freed = new Map<number, number>()
        const taken = new Map<number, number>()
        class Counted extends ReceiveWindow {
          override taken(sequence: number): void {
            taken.set(sequence, (taken.get(sequence) ?? 0) + 1)
          }
          override free(): void {
            freed.set(0, (freed.get(0) ?? 0) + 1)
          }
        }
        const receiveWindow = new Counted(2)
        const got: unknown[] = []
        const { box, overflown } = mailbox(capacity)
        let sent = 0
        for (const step of steps) {
          switch (step.do) {
            case 'put':
              box.put(envelope(step.topic, sent, receiveWindow))
              sent += 1
              break
            case 'take': {
              const next = box.take(step.topic)
              if (next !== undefined) got.push(next.payload)
              break
            }
            case 'wait':
              if (box.take(step.topic) === undefined) {
                wait(
                  box,
                  step.topic,
                  (next) => got.push(next.payload),
                  () => undefined,
                )
              } else got.push('taken')
              break
            case 'open':
              box.open('t')
              break
            case 'shut':
              box.shut('t')
              break
            case 'takeOwn': {
              const next = box.open('t').take()
              if (next !== undefined) got.push(next.payload)
              break
            }
            default:
          }
          expect(got.length + overflown.length + box.size).toBe(sent)
        }
        const gone = got.length + overflown.length
        expect([...taken.values()].every((times) => times === 1)).toBe(true)
        expect(taken.size).toBe(gone)
        const stashed = box.size
        expect(freed.get(0) ?? 0).toBeGreaterThanOrEqual(gone)
        expect(freed.get(0) ?? 0).toBeLessThanOrEqual(gone + stashed)
        expect(box.close()).toHaveLength(stashed)
      }),
    )
  })
})
