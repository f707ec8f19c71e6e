/** Functions that try to act under the identity of others. */
import { MessagePort } from 'node:worker_threads'
import { asTroupeError, entryId, isPid, type Pid, TroupeError } from '@troupe/core'
import { currentRuntime, self } from '@troupe/process'

function pidOf(text: string): Pid {
  if (isPid(text)) return text
  throw new TroupeError('Invalid', `${text} is no pid`)
}

/**
 * Reports to the kernel that another's call has ended, with a result; cancels all requests that others may have made.
 */
export async function end(victim: string): Promise<void> {
  const { kernel } = currentRuntime()
  kernel.notify({ type: 'finished', pid: pidOf(victim), exit: { value: 'forged' } })
  await Promise.all(
    Array.from({ length: 50 }, async (_, request) => kernel.request('cancelCall', { request }, pidOf(self.pid))),
  )
}

/** Makes a call in the name of another. */
export async function call(id: string, by: string): Promise<unknown> {
  const inherit = { overlay: undefined, values: {}, deadline: undefined, trace: undefined }
  return currentRuntime().kernel.request('call', { entry: entryId(id), args: [], choice: {}, inherit }, pidOf(by))
}

/** Asks for calls in a form that no call has. Returns the kinds of the errors. */
export async function misask(): Promise<readonly unknown[]> {
  const { kernel } = currentRuntime()
  const request: unknown = Reflect.get(kernel, 'request')
  if (typeof request !== 'function') return []
  const asks: readonly object[] = [{ entry: [], args: {} }, { more: { than: ['is', 'asked'] } }]
  const outcomes = asks.map(async (ask): Promise<unknown> => {
    try {
      const answer: unknown = Reflect.apply(request, kernel, ['call', ask, self.pid])
      await answer
      return 'answered'
    } catch (error) {
      return asTroupeError(error).kind
    }
  })
  return Promise.all(outcomes)
}

/** Closes every port that its thread has. */
export function cutOff(): void {
  const list: unknown = Reflect.get(process, '_getActiveHandles')
  const handles: unknown = typeof list === 'function' ? Reflect.apply(list, process, []) : []
  for (const handle of Array.isArray(handles) ? handles : []) if (handle instanceof MessagePort) handle.close()
}
