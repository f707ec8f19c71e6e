/** What a probe runs: nothing. The test acts in its name, until it lets it end. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { publishProbeChannel } from './probe-channel.ts'

export function main(number: number): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>()
  publishProbeChannel({ number, inside: AsyncLocalStorage.snapshot(), end: resolve })
  return promise
}
