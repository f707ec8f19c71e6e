/** Calls that answer at once, where policies would have to be asked first. */
import { denied } from '@troupe/core'
import { consent } from './consent.ts'
import { property } from './internals.ts'
import type { Refusal } from './refusal.ts'

/** The error for `what`, where policies are in force for the code that runs; nothing where nobody is asked. */
export function cannotWait(what: string, action: string, args: readonly unknown[]): Refusal | undefined {
  const asked = consent(action, placeIn(args))
  if (asked === undefined) return undefined
  asked.catch(() => undefined)
  const error = denied(
    `${what} is refused: policies are in force here, and it cannot wait for their answer to ${action}. Use the method that waits`,
    {
      action,
      what,
    },
  )
  return Object.assign(error, { code: 'EACCES' })
}

/** Port and address, or options that name a place. */
function placeIn([first, second]: readonly unknown[]): string {
  const named = typeof second === 'string' ? second : ['address', 'host', 'path'].map((name) => property(first, name)).find(isText)
  return isText(named) ? named : '::'
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
