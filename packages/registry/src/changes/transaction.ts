/** Applies a set of changes as a whole or not at all. */
import { asTroupeError, type EntryId, TroupeError } from '@troupe/core'
import type { EntryChange } from './change.ts'
import type { KindChange, KindHandler, Prepared } from './change-handler.ts'

/** One change and its handler. */
export interface Step {
  readonly handler: KindHandler
  readonly change: KindChange
}

interface Ready {
  readonly step: Step
  readonly prepared: Prepared
}

/**
 * Prepares all `steps` in order, commits all in order, and then calls `record`. If anything fails, everything that was
 * prepared is rolled back, the last first. Returns the prepared changes that must be settled.
 *
 * @throws TroupeError of the failure's kind, with the change that failed.
 */
export async function transact(steps: readonly Step[], record: () => void): Promise<readonly Prepared[]> {
  const ready: Ready[] = []
  let at: EntryChange | undefined
  try {
    for (const step of steps) {
      at = step.change
      ready.push({ step, prepared: await step.handler.prepare(step.change) })
    }
    for (const { step, prepared } of ready) {
      at = step.change
      await prepared.commit()
    }
    at = undefined
    record()
    return ready.map(({ prepared }) => prepared)
  } catch (error) {
    throw refusal(error, at, await rollBack(ready))
  }
}

/**
 * Settles the changes that took effect.
 *
 * @throws TroupeError `Internal` with all failures, after every change was settled.
 */
export async function settle(prepared: readonly Prepared[]): Promise<void> {
  const failures: unknown[] = []
  for (const one of prepared) await one.settle?.().catch((error: unknown) => failures.push(error))
  if (failures.length === 0) return
  const words = failures.map((error) => asTroupeError(error).message).join('; ')
  throw new TroupeError('Internal', `the changes took effect, but: ${words}`, { cause: failures[0] })
}

async function rollBack(
  ready: readonly Ready[],
): Promise<readonly { readonly id: EntryId; readonly message: string }[]> {
  const failures: { readonly id: EntryId; readonly message: string }[] = []
  for (const { step, prepared } of ready.toReversed()) {
    try {
      await prepared.rollback()
    } catch (error) {
      failures.push({ id: step.change.id, message: asTroupeError(error).message })
    }
  }
  return failures
}

function refusal(
  error: unknown,
  at: EntryChange | undefined,
  failures: readonly { readonly id: EntryId; readonly message: string }[],
): TroupeError {
  const cause = asTroupeError(error)
  const what =
    at === undefined
      ? 'the changes could not be recorded'
      : `${at.id}: the ${at.op} is refused, and nothing was changed`
  const left = failures.map(({ id, message }) => `; ${id} could not be put back: ${message}`).join('')
  return new TroupeError(cause.kind, `${what}: ${cause.message}${left}`, {
    cause,
    retryable: cause.retryable,
    details: {
      ...cause.details,
      ...(at && { id: at.id, op: at.op }),
      ...(failures.length > 0 && { notPutBack: failures }),
    },
  })
}
