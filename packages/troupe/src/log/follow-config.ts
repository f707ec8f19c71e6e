/** Follows the files of the configuration, so that the levels of the log change while the application runs. */
import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { asTroupeError, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { AppConfig } from '@troupe/registry'
import type { Logger } from './logger.ts'

/** Milliseconds of quiet after a change: an editor writes a file in several steps. */
const calm = 100

/** Uses the levels of the configuration again after each change of its files. A faulty file changes nothing. */
export function followConfig(config: AppConfig, reread: () => AppConfig, { levels, note }: Logger): Disposable {
  const files = config.files.length > 0 ? config.files : [join(config.root, '.troupe.yaml')]
  return new FileWatch(files, () => {
    try {
      if (levels.use(reread().log)) note('the levels of the log have changed', { always: true })
    } catch (error) {
      note(`the levels of the log stay as they were: ${asTroupeError(error).message}`, { level: 'warn', always: true })
    }
  })
}

/** Calls a function after changes of files, until it is disposed of. A folder that cannot be watched is ignored. */
class FileWatch implements Disposable {
  readonly #watchers: readonly FSWatcher[]
  #timer: Timer | undefined

  constructor(files: readonly string[], onChange: () => void) {
    // Files are more often replaced than written: watching their folders detects both.
    const folders = Map.groupBy(files, (file) => dirname(file))
    this.#watchers = [...folders].flatMap(([folder, inside]) => {
      const names = new Set(inside.map((file) => basename(file)))
      return watched(folder, (name) => {
        if (name !== null && !names.has(name)) return
        stopTimer(this.#timer)
        this.#timer = startTimer(onChange, calm).unref()
      })
    })
  }

  [Symbol.dispose](): void {
    stopTimer(this.#timer)
    for (const watcher of this.#watchers) watcher.close()
  }
}

function watched(folder: string, onChange: (name: string | null) => void): readonly FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, (_, name) => {
      onChange(name)
    })
    return [watcher.on('error', () => undefined)]
  } catch {
    return []
  }
}
