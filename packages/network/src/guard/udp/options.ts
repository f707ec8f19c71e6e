/** The options of a `dgram.Socket` that decide where its datagrams may go. */
import { asTroupeError } from '@troupe/core'
import dgram, { type Socket } from 'node:dgram'
import { BlockList } from 'node:net'
import { property } from '../../sockets/internals.ts'
import { type Callable, isCallable, replaceMethod } from '../node/patch.ts'

interface Options {
  readonly lookup: Callable | undefined
  readonly sendBlockList: BlockList | undefined
}

const made = new WeakMap<object, Options>()

/** Records the options of sockets, because Node stores them where they cannot be read. */
export function noteDatagramOptions(): void {
  replaceMethod(dgram, 'createSocket', (original, self, args) => {
    const socket: unknown = Reflect.apply(original, self, args)
    const [options] = args
    const lookup = property(options, 'lookup')
    const list = property(options, 'sendBlockList')
    if (typeof socket === 'object' && socket !== null && (lookup !== undefined || list !== undefined)) {
      made.set(socket, {
        lookup: isCallable(lookup) ? lookup : undefined,
        sendBlockList: BlockList.isBlockList(list) ? list : undefined,
      })
    }
    return socket
  })
}

export function sendBlockListOf(socket: Socket): BlockList | undefined {
  return made.get(socket)?.sendBlockList
}

/** Returns the socket's own `lookup`, if it has one. */
export function lookupOf(socket: Socket): ((host: string) => Promise<string>) | undefined {
  const lookup = made.get(socket)?.lookup
  if (lookup === undefined) return undefined
  const family = property(socket, 'type') === 'udp6' ? 6 : 4
  return async (host) =>
    new Promise((resolve, reject) => {
      lookup(host, { family }, (error: unknown, found: unknown) => {
        const address = Array.isArray(found) ? property(found[0], 'address') : found
        if (error) reject(asTroupeError(error))
        else resolve(String(address))
      })
    })
}
