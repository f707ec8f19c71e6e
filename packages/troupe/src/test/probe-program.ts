/** A probe's program does nothing: the test acts in its place until it ends it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { publishProbeChannel } from './probe-channel.ts'

export function main(number: number): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  publishProbeChannel({ number, inside: AsyncLocalStorage.snapshot(), end: resolve })
  return promise
}
