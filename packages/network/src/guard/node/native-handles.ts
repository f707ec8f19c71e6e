/**
 * Guards native handles, below all of Node's own code. Outside the clear network no handle may open, bind or connect
 * anything, in any code, except handles that dial for the guard. This catches calls that the guard above misses,
 * and callers that saved a function earlier.
 */
import { constants } from 'node:os'
import { internals } from '../../sockets/internals.ts'
import { isOwnDatagrams } from '../../sockets/own-datagrams.ts'
import { isDialling, isPlacing } from '../../sockets/own-sockets.ts'
import { deniedError } from '../errors.ts'
import { connectWhenAllowed } from './deferred-connect.ts'
import { type Callable, isCallable } from './patch.ts'
import { threadOverlay } from '../../overlay/thread-network.ts'

const notAllowed = -constants.errno.EACCES
const connecting = ['connect', 'connect6']
const binding = ['bind', 'bind6', 'listen']
/** Methods that our own server calls before its handle has an owner. */
const placing = new Set(['bind', 'listen'])
const sending = ['send', 'send6', 'open']
/** Standard input, output and error are no network. */
const lastStandardDescriptor = 2

export function guardHandles(): void {
  const { tcp, pipe, udp } = internals().handles
  for (const prototype of [tcp, pipe]) {
    for (const method of connecting) forbid(prototype, method, connectWhenAllowed)
    for (const method of binding) forbid(prototype, method)
  }
  for (const method of [...connecting, ...binding, ...sending]) forbid(udp, method)
  for (const prototype of [tcp, pipe]) forbidDescriptors(prototype)
}

/** @param inTheClear - Calls the original, once that is allowed. */
function forbid(prototype: object, name: string, inTheClear: Ask = callAtOnce): void {
  const original: unknown = Reflect.get(prototype, name)
  if (!isCallable(original)) return
  const { owner, handles } = internals()
  const mayPlace = (handle: object) => placing.has(name) && isPlacing() && isOneOf(handle, handles.pipe, handles.tcp)
  Reflect.set(prototype, name, function guarded(this: object, ...args: unknown[]) {
    if (threadOverlay() === null) return inTheClear(this, args, original)
    if (!isDialling(Reflect.get(this, owner)) && !mayPlace(this) && !isOwnDatagrams(this)) return notAllowed
    return Reflect.apply(original, this, args)
  })
}

type Ask = (handle: object, args: readonly unknown[], original: Callable) => unknown

const callAtOnce: Ask = (handle, args, original) => Reflect.apply(original, handle, args)

/** A descriptor that was opened elsewhere: `new net.Socket({ fd })`. */
function forbidDescriptors(prototype: object): void {
  const original: unknown = Reflect.get(prototype, 'open')
  if (!isCallable(original)) return
  Reflect.set(prototype, 'open', function open(this: object, descriptor: number, ...args: unknown[]) {
    const error = descriptor <= lastStandardDescriptor ? undefined : deniedError(`a foreign descriptor (${descriptor})`)
    if (error) throw error
    return Reflect.apply(original, this, [descriptor, ...args])
  })
}

function isOneOf(handle: object, ...prototypes: readonly object[]): boolean {
  const prototype: unknown = Object.getPrototypeOf(handle)
  return prototypes.some((candidate) => candidate === prototype)
}
