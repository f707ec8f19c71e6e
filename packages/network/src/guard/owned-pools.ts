/** Pools and clients that users make and share, whose queues forget who waits in them: checked in the caller's stack. */
import http2 from 'node:http2'
import { property } from './internals.ts'
import { onPackageLoad } from './module-loads.ts'
import { guardOwned } from './ownership.ts'
import { type Answer, callBack, isCallable, reject, replaceMethod } from './wrap.ts'

export function guardPools(): void {
  guardHttp2()
  onPackageLoad((name, exports) => {
    const prototype = (...path: readonly string[]) => property(path.reduce<unknown>(member, exports), 'prototype')
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
        guardOwned(property(exports, 'prototype') ?? prototypeOf(exports), ['connect', 'query'], 'this pg.Pool', byCallbackOrPromise)
        return
      case 'ioredis':
        for (const each of ['Redis', 'Cluster']) guardOwned(prototype(each), ['connect', 'sendCommand'], `this ioredis.${each}`, reject)
        return
      case 'mysql2':
        guardOwned(prototype('Pool'), ['getConnection', 'query', 'execute'], 'this mysql2 pool', callBack)
        guardOwned(prototype('Connection'), ['query', 'execute'], 'this mysql2 connection', callBack)
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

function member(owner: unknown, name: string): unknown {
  return (typeof owner === 'object' || typeof owner === 'function') && owner !== null ? Reflect.get(owner, name) : undefined
}

function prototypeOf(exports: object): unknown {
  return member(exports, 'prototype')
}
