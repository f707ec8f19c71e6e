/** The levels at which lines are written: that of the application, and those of single entries. */
import type { LogLevel } from '@troupe/core'
import type { AppConfig } from '@troupe/registry'

/** The lowest level that is written; `silent` writes nothing. */
export type LeastLevel = LogLevel | 'silent'

type Config = Pick<AppConfig['log'], 'level' | 'entries'>

/** Levels in the order of their importance. */
const order: readonly LeastLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

export class Levels {
  #config: Config
  /** Set by code while the application runs. */
  #level: LeastLevel | undefined
  readonly #entries = new Map<string, LeastLevel>()

  constructor(config: Config) {
    this.#config = config
  }

  /** Whether a line about an entry or an overlay is written. The entry's level counts first, then the overlay's. */
  isEnabled(level: LogLevel, entry?: string, overlay?: string): boolean {
    const least = this.#of(entry) ?? this.#of(overlay) ?? this.#level ?? this.#config.level
    return order.indexOf(level) >= order.indexOf(least)
  }

  /** @param level - `undefined` for the level of the configuration. */
  set(level: LeastLevel | undefined, entry?: string): void {
    if (entry === undefined) this.#level = level
    else if (level === undefined) this.#entries.delete(entry)
    else this.#entries.set(entry, level)
  }

  /** Uses a changed configuration. What code has set ends. Returns whether anything is different. */
  use(config: Config): boolean {
    if (textOf(this.#config) === textOf(config)) return false
    this.#config = config
    this.#level = undefined
    this.#entries.clear()
    return true
  }

  #of(entry: string | undefined): LeastLevel | undefined {
    if (entry === undefined) return undefined
    const { entries } = this.#config
    return this.#entries.get(entry) ?? (Object.hasOwn(entries, entry) ? entries[entry] : undefined)
  }
}

function textOf({ level, entries }: Config): string {
  return JSON.stringify([level, Object.entries(entries).toSorted(([a], [b]) => (a < b ? -1 : 1))])
}
