/**
 * Keep-alive pools of `node:http` and `node:https`, the user's and the global ones: the name under which an agent files a connection
 * also says its overlay, the overlay's life, and the actor.
 */
import { currentSlot, runInSlot } from '@troupe/core'
import { Agent } from 'node:http'
import { networkKey } from './pool-key.ts'
import { stampIn, stampKey, stampNow } from './stamp.ts'
import { replaceMethod } from './wrap.ts'

export function guardAgents(): void {
  replaceMethod(Agent.prototype, 'addRequest', (target, agent, args) => {
    const [request, options, port, localAddress] = args
    const stamp = stampNow()
    if (stamp === undefined) return Reflect.apply(target, agent, args)
    const given = typeof options === 'object' ? options : { host: options, port, localAddress }
    return Reflect.apply(target, agent, [request, { ...given, [stampKey]: stamp }])
  })
  // A request that waited its turn is served in the context of the one that made room.
  replaceMethod(Agent.prototype, 'createSocket', (target, agent, args) => {
    const stamp = stampIn(args[1])
    if (stamp === undefined || stamp.slot === currentSlot()) return Reflect.apply(target, agent, args)
    return runInSlot<unknown>(stamp.slot, () => Reflect.apply(target, agent, args))
  })
  replaceMethod(Agent.prototype, 'getName', (target, agent, args) => {
    const name: unknown = Reflect.apply(target, agent, args)
    const key = stampIn(args[0])?.key ?? networkKey()
    return typeof name === 'string' && key !== '' ? `${name}:${key}` : name
  })
}
