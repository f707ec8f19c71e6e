/** Threads that a whole program starts by itself: each loads the preload before its own code. */
import { syncBuiltinESMExports } from 'node:module'
import workerThreads from 'node:worker_threads'
import { isCallable } from '../guard/node/patch.ts'
import { property } from '../sockets/internals.ts'
import { withPreload } from './options-text.ts'
import { preloadPath } from './paths.ts'

/**
 * A thread inherits the preload with the options of its process. Where the caller gives it an environment or options of
 * its own, Node reads `NODE_OPTIONS` of the thread's environment instead. So the preload comes first there, before
 * modules that the user's own options name. It does not depend on the environment of this process, which a thread that
 * shares it may change at the same time.
 */
export function guardThreads(): void {
  const original: unknown = Reflect.get(workerThreads, 'Worker')
  if (!isCallable(original)) return
  const guarded = new Proxy(original, {
    construct(target, args: readonly unknown[], newTarget) {
      const [file, options] = args
      const worker: unknown = withOwnOptions((): unknown =>
        Reflect.construct(target, [file, preloaded(options)], newTarget),
      )
      if (typeof worker === 'object' && worker !== null) return worker
      throw new TypeError('Worker constructs nothing')
    },
  })
  Reflect.set(workerThreads, 'Worker', guarded)
  syncBuiltinESMExports()
}

/** Node accepts options of the whole process in a thread's environment only if they are those of this one. */
function withOwnOptions<T>(construct: () => T): T {
  const { NODE_OPTIONS: before } = process.env
  process.env['NODE_OPTIONS'] = withPreload(before)
  try {
    return construct()
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
  }
}

function preloaded(options: unknown): unknown {
  const [env, execArgv] = [property(options, 'env'), property(options, 'execArgv')]
  if (env === workerThreads.SHARE_ENV) {
    if (!Array.isArray(execArgv)) return options
    const own: readonly unknown[] = execArgv
    return { ...Object(options), execArgv: ['--require', preloadPath, ...own] }
  }
  const isOwn = typeof env === 'object' && env !== null
  if (!isOwn && !Array.isArray(execArgv)) return options
  const { NODE_OPTIONS: given, ...rest }: Readonly<Record<string, unknown>> = { ...(isOwn ? env : process.env) }
  const own = typeof given === 'string' ? given : undefined
  return { ...Object(options), env: { ...rest, NODE_OPTIONS: withPreload(own) } }
}
