/** Pools and clients that users make and share, whose queues forget who waits in them: checked in the caller's stack. */
import http2 from 'node:http2'
import { property } from './internals.ts'
import { onPackageLoad } from './module-loads.ts'
import { guardOwned } from './ownership.ts'
import { networkKey } from './pool-key.ts'
import { type Answer, callBack, isCallable, reject, replaceMethod } from './wrap.ts'

export function guardPools(): void {
  guardHttp2()
  onPackageLoad((name, exports) => {
    const prototype = (name: string) => property(property(exports, name), 'prototype')
    switch (name) {
      case 'undici': {
        const agent = prototype('Agent')
        if (typeof agent === 'object' && agent !== null)
          guardOwned(Object.getPrototypeOf(agent), ['dispatch'], 'this undici dispatcher', toHandler)
        return
      }
      case 'pg':
        guardOwned(prototype('Client'), ['connect', 'query'], 'this pg.Client', byCallbackOrPromise)
        return
      case 'pg-pool':
        guardOwned(property(exports, 'prototype'), ['connect', 'query'], 'this pg.Pool', byCallbackOrPromise)
        return
      case 'ioredis':
        for (const each of ['Redis', 'Cluster']) guardOwned(prototype(each), ['connect', 'sendCommand'], `this ioredis.${each}`, reject)
        return
      case 'mysql2-pool':
        guardOwned(property(exports, 'prototype'), ['getConnection', 'query', 'execute'], 'this mysql2 pool', callBack)
        return
      case 'mysql2-connection':
        guardOwned(property(exports, 'prototype'), ['query', 'execute'], 'this mysql2 connection', callBack)
        return
      case 'grpc':
        guardOwned(prototype('Channel'), ['createCall'], 'this gRPC channel')
        return
      case 'grpc-subchannels':
        separateSubchannels(exports)
        return
      default:
    }
  })
}

/** `http2.connect` is the first to show what its sessions are made of. */
function guardHttp2(): void {
  replaceMethod(http2, 'connect', (target, self, args) => {
    const session: unknown = Reflect.apply(target, self, args)
    if (typeof session === 'object' && session !== null) guardOwned(Object.getPrototypeOf(session), ['request'], 'this http2 session')
    return session
  })
}

/** gRPC keeps one pool of connections for all channels of a thread: here it is one for each network in which channels are made. */
function separateSubchannels(exports: object): void {
  const pools = new Map<string, unknown>()
  const pool = property(exports, 'SubchannelPool')
  replaceMethod(exports, 'getSubchannelPool', (target, self, args) => {
    if (args[0] !== true || !isCallable(pool)) return Reflect.apply(target, self, args)
    const key = networkKey()
    const made: unknown = pools.get(key) ?? Reflect.construct(pool, [])
    pools.set(key, made)
    return made
  })
}

const byCallbackOrPromise: Answer = (error, self, args) =>
  isCallable(args.at(-1)) ? callBack(error, self, args) : reject(error, self, args)

/** As undici reports a failed request. */
const toHandler: Answer = (error, _self, [, handler]) => {
  for (const name of ['onResponseError', 'onError']) {
    const method = property(handler, name)
    if (!isCallable(method)) continue
    queueMicrotask(() => void Reflect.apply(method, handler, name === 'onError' ? [error] : [null, error]))
    return true
  }
  throw error
}
