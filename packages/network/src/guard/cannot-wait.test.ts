import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { denied } from '@troupe/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { provideNetworkAccess } from '../access.ts'
import { bindThreadNetwork } from '../thread-network.ts'
import { installGuard } from './install.ts'
import { isCallable } from './wrap.ts'

const asked: string[] = []
const socket = dgram.createSocket('udp4')
const far = dgram.createSocket('udp4')
let governed = true

beforeAll(async () => {
  await once(far.bind(0, '127.0.0.1'), 'listening')
  installGuard()
  bindThreadNetwork({ overlay: null })
  provideNetworkAccess({
    defaultOverlay: undefined,
    select: async () => {},
    route: async () => Promise.reject(denied('there are no overlays')),
    permit: (action, resource) => {
      asked.push(`${action} of ${resource}`)
      return governed ? Promise.reject(denied('no')) : undefined
    },
  })
})
afterAll(() => {
  socket.close()
  far.close()
})

/** Calls of Node 26 that answer at once, as far as this Node has them. */
const calls = [
  ['socket.listen of 127.0.0.1', dgram.Socket.prototype, 'bindSync', () => [{ port: 0, address: '127.0.0.1' }]],
  ['socket.connect of 127.0.0.1', dgram.Socket.prototype, 'connectSync', () => [far.address().port, '127.0.0.1']],
  ['socket.listen of 127.0.0.1', net, 'BoundSocket', () => [{ host: '127.0.0.1' }]],
] as const

it('what cannot wait for policies is refused where they are in force, and Node’s own elsewhere', () => {
  for (const [what, owner, name, args] of calls) {
    const method: unknown = Reflect.get(owner, name)
    if (!isCallable(method)) continue
    const call = () => {
      const made: unknown = owner === net ? Reflect.construct(method, args()) : Reflect.apply(method, socket, args())
      const close: unknown = Reflect.get(Object(made), 'close')
      if (owner === net && isCallable(close)) Reflect.apply(close, made, [])
    }
    governed = true
    asked.length = 0
    expect(call).toThrow(expect.objectContaining({ kind: 'PermissionDenied', code: 'EACCES' }))
    expect(asked).toEqual([what])
    governed = false
    call()
  }
})
