/**
 * Checks whether the builtins of JavaScript still work as the runtime needs. Code of the application may replace some
 * with equivalent ones, as polyfills and instrumentation do. If a replacement does not work, messages and calls of the
 * thread would be lost silently. So the thread ends instead, and the error names what was replaced.
 */
import { requiredBuiltins, settles, work } from './builtins-needed.ts'

/** Milliseconds from activity in the thread to the check. */
const patience = 100

// Read once, before any code of the application runs.
// oxlint-disable-next-line eslint/no-restricted-globals -- A timer of a module would need the builtins checked here.
const later = setTimeout
const soon = setImmediate
const { apply } = Reflect
/* oxlint-disable typescript/unbound-method -- They are called with the process. */
const { removeAllListeners, setUncaughtExceptionCaptureCallback } = process
/* oxlint-enable typescript/unbound-method */
const Failure = Error

let isWatched = false
let isDue = false
/** The replaced builtins that worked, at the last check. */
let found: readonly unknown[] = []

/** Enables {@link lookLater}: this thread does not belong to the program around the application. */
export function watchBuiltins(): void {
  isWatched = true
  found = valuesNow()
}

/** Called on activity in this thread: schedules a check of its builtins. */
export function lookLater(): void {
  if (isDue || !isWatched) return
  isDue = true
  later(look, patience).unref()
}

function look(): void {
  isDue = false
  const now = valuesNow()
  const names = namesOfReplaced(now)
  if (names === '') return
  if (!work()) end(names)
  const settled = settles()
  // By then the microtasks have run.
  soon(() => {
    if (!settled()) end(names)
    found = now
  })
}

/** Uses index and assignment alone: this code must not need the builtins that it checks. */
function valuesNow(): readonly unknown[] {
  const values: unknown[] = []
  for (let index = 0; index < requiredBuiltins.length; index += 1) values[index] = requiredBuiltins[index]?.now()
  return values
}

function namesOfReplaced(now: readonly unknown[]): string {
  let names = ''
  for (let index = 0; index < now.length; index += 1) {
    if (now[index] !== found[index]) names += `${names === '' ? '' : ', '}${requiredBuiltins[index]?.name ?? ''}`
  }
  return names
}

/** No code may catch this error: its message reports to the kernel why the thread ends. */
function end(names: string): never {
  apply(setUncaughtExceptionCaptureCallback, process, [null])
  apply(removeAllListeners, process, ['uncaughtException'])
  throw new Failure(`code in it has replaced ${names}, and the replacement does not work as the runtime needs`)
}
