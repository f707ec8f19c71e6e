/** Chooses what a pool consists of, by its settings. */
import { Launch } from '@troupe/process/kernel'
import { isSealed } from '../kinds.ts'
import { PiscinaWorkers } from './piscina-workers.ts'
import type { PoolOptions } from './pool-options.ts'
import { childModule, ProcessWorkers } from './process-workers.ts'
import type { WorkerSource } from './worker-place.ts'

export type { WorkerSource }

/** @param onError - Called when a thread without a worker fails: it may have been one that was starting. */
export function sourceOf(
  options: Omit<PoolOptions, 'grace'>,
  max: number,
  onError: (error: Error) => void,
): WorkerSource {
  const { kernel, program, settings } = options
  const { min, idleTimeout } = settings
  if (!isSealed(settings)) return new PiscinaWorkers({ kernel, program, min, max, idleTimeout, onError })
  return new ProcessWorkers({ kernel, program, min, launch: launchOf(options) })
}

function launchOf({ kernel, entry, program, settings }: Omit<PoolOptions, 'grace'>): Launch {
  const { env, fs, limits, sealed } = settings
  const { registry, threads } = kernel
  return new Launch({
    settings: { env, fs, limits, sealed: sealed === true ? undefined : sealed },
    root: registry.root,
    modules: [...threads.preload, childModule],
    isTypeScript: /\.[cm]?ts(?:\?|$)/.test(program.module),
    log: (message, level) => {
      kernel.note(`its pool ${message}`, { level, entry })
    },
  })
}
