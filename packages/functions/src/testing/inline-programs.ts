/** Functions that tests run in their caller's thread, and a process that calls them there. */
import { once } from 'node:events'
import { currentFrame, entryId, type OverlayChoice, TroupeError } from '@troupe/core'
import { currentRuntime, self } from '@troupe/process'
import { funcs } from '../funcs.ts'
import { runningCalls } from '../worker/running-calls.ts'

export function overlay(): OverlayChoice {
  return currentFrame()?.overlay
}

export function values(change?: { tenant: number }): unknown {
  if (change !== undefined) change.tenant = 0
  return [change, currentFrame()?.values]
}

export async function forever(): Promise<void> {
  if (!self.signal.aborted) await once(self.signal, 'abort')
  await once(new EventTarget(), 'never')
}

export async function stray(): Promise<void> {
  setTimeout(() => {
    throw new RangeError('from a timer')
  })
  await once(new EventTarget(), 'never')
}

export function fail(): never {
  throw Object.assign(new RangeError('out of range'), { limit: 7 })
}

export async function countdown(depth: number): Promise<number> {
  return depth === 0 ? 0 : 1 + Number(await funcs.call('inline:countdown', depth - 1))
}

export async function nested(): Promise<unknown> {
  return funcs.call('inline:overlay')
}

export function id(): string {
  return self.pid
}

/** Lets this thread learn which entries run inline, so that later calls need no request. */
async function learn(...names: string[]): Promise<void> {
  for (const name of names) {
    await funcs.call(`inline:${name}`, 0)
    if (runningCalls(currentRuntime()).inline(entryId(`inline:${name}`)) === undefined)
      throw new TroupeError('Internal', `inline:${name} was not learned`)
  }
}

const tests = {
  /**
   * The overlay of calls: without a choice, with the same one twice, nested inside one, cleared, and without one again.
   */
  overlays: async () => {
    await learn('overlay', 'nested')
    const inProxy = funcs.withOptions({ network: 'app:proxy' })
    return [
      await funcs.call('inline:overlay'),
      await inProxy.call('inline:overlay'),
      await inProxy.call('inline:overlay'),
      await inProxy.call('inline:nested'),
      await inProxy.withOptions({ network: null }).call('inline:overlay'),
      await inProxy.withOptions({ network: '' }).call('inline:overlay'),
      await funcs.call('inline:overlay'),
    ]
  },
  unknownOverlay: async () => {
    await learn('overlay')
    return funcs.withOptions({ network: 'app:nothing' }).call('inline:overlay')
  },
  chosen: async () => {
    await learn('overlay')
    return funcs.withOptions({ network: 'app:proxy' }).call('inline:overlay')
  },
  values: async () => {
    await funcs.call('inline:values')
    const argument = { tenant: 1 }
    const seen = await funcs.withContext({ a: 1 }).withContext({ b: 2 }).call('inline:values', argument)
    return { argument, seen, after: await funcs.call('inline:values') }
  },
  cancel: async () => {
    const controller = new AbortController()
    const caller = funcs.withOptions({ signal: controller.signal })
    await expectLearned('forever')
    const call = caller.call('inline:forever')
    controller.abort(new Error('enough'))
    return call
  },
  timeout: async () => {
    await expectLearned('forever')
    return funcs.withOptions({ timeout: 20 }).call('inline:forever')
  },
  stray: async () => {
    await expectLearned('stray')
    const error = await funcs.call('inline:stray').catch((thrown: unknown) => thrown)
    return error instanceof Error ? [error.name, error.message, 'and the process continues'] : error
  },
  fail: async () => {
    await funcs.call('inline:fail').catch(() => undefined)
    return funcs.call('inline:fail')
  },
  countdown: async (depth: number) => {
    await learn('countdown')
    return funcs.call('inline:countdown', depth)
  },
  /** Only a change of actor makes it a call that the kernel knows. */
  ids: async () => {
    await learn('id')
    const own = await funcs.call('inline:id')
    const issued = await funcs.withActor({ id: 'alice', meta: {} }).call('inline:id')
    return [own === self.pid, issued === self.pid]
  },
}

export type InlineTest = keyof typeof tests

/** A call that its timeout cancelled has still taught the thread that the entry runs inline. */
async function expectLearned(name: 'forever' | 'stray'): Promise<void> {
  await funcs
    .withOptions({ timeout: 200 })
    .call(`inline:${name}`)
    .catch(() => undefined)
  if (runningCalls(currentRuntime()).inline(entryId(`inline:${name}`)) === undefined)
    throw new TroupeError('Internal', `inline:${name} was not learned`)
}

export async function run(test: InlineTest, depth = 0): Promise<unknown> {
  return tests[test](depth)
}
