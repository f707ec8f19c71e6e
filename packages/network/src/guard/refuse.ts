/** Ways out that no overlay carries: refused by name while one is in force, untouched in the clear. */
import childProcess from 'node:child_process'
import inspector from 'node:inspector'
import Module from 'node:module'
import workerThreads from 'node:worker_threads'
import { fail, refuseMethods } from './wrap.ts'

const starters = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync']

/** What is refused fails the way its failures do: a callback or a promise by its error, the rest by throwing. */
export function refuseOthers(): void {
  refuseMethods(childProcess, starters, 'child_process', fail)
  refuseMethods(childProcess.ChildProcess.prototype, ['spawn'], 'child_process.ChildProcess', fail)
  // It would start without a frame, and so in the clear.
  refuseMethods(workerThreads, ['Worker'], 'worker_threads', fail)
  // Hooks of modules run in a thread of their own, where no guard is; an inspector's session has code run in another.
  refuseMethods(Module, ['register'], 'module', fail)
  refuseMethods(inspector, ['open'], 'inspector', fail)
  refuseMethods(inspector.Session.prototype, ['connectToMainThread'], 'inspector.Session', fail)
  // The native code that these lead to opens what it likes.
  refuseMethods(process, ['binding', 'dlopen', '_linkedBinding'], 'process', fail)
  const ffi = quietly(() => process.getBuiltinModule('node:ffi'))
  if (typeof ffi === 'object' && ffi !== null) refuseMethods(ffi, ['dlopen', 'DynamicLibrary'], 'ffi', fail)
}

/** Without the warning that a module which nobody uses is experimental. */
function quietly(load: () => unknown): unknown {
  const emitWarning: unknown = Reflect.get(process, 'emitWarning')
  process.emitWarning = () => {}
  try {
    return load()
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning)
  }
}
