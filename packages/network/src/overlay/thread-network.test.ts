import { emptyFrame, entryId, fork, runInFrame } from '@troupe/core'
import { expect, it } from 'vitest'
import { currentIsolation } from '../dial/dial.ts'
import { bindThreadNetwork, rebindThreadNetwork, threadNetwork, threadOverlay } from './thread-network.ts'

const a = entryId('app:a')
const b = entryId('app:b')

it('a thread has one network, in any frame', () => {
  expect(threadNetwork()).toBeUndefined()
  bindThreadNetwork({ overlay: a, isolation: { actor: 'alice' } })
  bindThreadNetwork({ overlay: a, isolation: { actor: 'alice' } })
  expect(threadNetwork()).toEqual({ overlay: a, isolation: { actor: 'alice' } })
  for (const overlay of [undefined, null, b]) {
    runInFrame(fork(emptyFrame, { overlay, actor: { id: 'bob', meta: {} } }), () => {
      expect(threadOverlay()).toBe(a)
      expect(currentIsolation()).toEqual({ actor: 'alice' })
    })
  }
  expect(threadOverlay()).toBe(a)
})

it.each([{ overlay: b }, { overlay: null }, { overlay: a }, { overlay: a, isolation: { actor: 'bob' } }])(
  'and cannot change to %j',
  (network) => {
    rebindThreadNetwork(undefined)
    bindThreadNetwork({ overlay: a, isolation: { actor: 'alice' } })
    expect(() => bindThreadNetwork(network)).toThrow(expect.objectContaining({ kind: 'Internal', retryable: false }))
    expect(threadNetwork()?.overlay).toBe(a)
  },
)

it('the clear network is one, without an isolation key', () => {
  rebindThreadNetwork(undefined)
  bindThreadNetwork({ overlay: null })
  runInFrame(fork(emptyFrame, { overlay: a, actor: { id: 'bob', meta: {} } }), () => {
    expect(threadOverlay()).toBeNull()
    expect(currentIsolation()).toEqual({})
  })
})
