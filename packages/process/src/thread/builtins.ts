/**
 * Whether the builtins of JavaScript still do what the runtime needs of them. Code of the application may replace some, as polyfills and
 * instrumentations do, with others that do the same. Where one does not, messages and calls of the thread would be lost in silence: the thread
 * ends instead, with what was replaced as its reason.
 */
import { requiredBuiltins, settles, work } from './builtins-needed.ts'

/** Milliseconds after something happened in the thread. */
const patience = 100

// Taken once, before any code of the application runs.
const later = setTimeout // oxlint-disable-line eslint/no-restricted-globals -- One of a module would need what is looked at here.
const soon = setImmediate
const { apply } = Reflect
/* oxlint-disable typescript/unbound-method -- They are called with the process. */
const { removeAllListeners, setUncaughtExceptionCaptureCallback } = process
/* oxlint-enable typescript/unbound-method */
const Failure = Error

let isWatched = false
let isDue = false
/** What was replaced by something else that works, at the last look. */
let found: readonly unknown[] = []

/** From now on {@link lookLater} does something: this is no thread of the program around the application. */
export function watchBuiltins(): void {
  isWatched = true
  found = valuesNow()
}

/** Something happens in this thread: soon its builtins are looked at. */
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

/** By index and assignment alone: nothing here may need what it looks at. */
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

/** Nobody may catch it: what ends the thread tells the kernel why. */
function end(names: string): never {
  apply(setUncaughtExceptionCaptureCallback, process, [null])
  apply(removeAllListeners, process, ['uncaughtException'])
  throw new Failure(`code in it has replaced ${names}, and what the runtime needs of that does not work any more`)
}
