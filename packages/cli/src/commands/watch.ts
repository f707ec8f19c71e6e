/** `troupe run --watch`: applies saved changes while the application runs. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type EntryId, startTimer, stopTimer, type Timer } from '@troupe/core'
import type { AppConfig } from '@troupe/registry'
import type { Application } from 'troupe/app'
import { type Examined, examine } from './check.ts'
import { describeFailure } from '../failure.ts'
import { formatCheckDiagnostic } from '../modules/diagnostic.ts'
import { FolderWatch } from './folder-watch.ts'
import type { CommonOptions } from '../invocation.ts'
import { programOf } from '../modules/program.ts'
import type { Terminal } from '../terminal.ts'

/** Milliseconds without a change before one is processed: editors save in several steps. */
const calm = 100

/** Carries out a reload, and reports it to what started this program. */
export type Reload = (work: () => Promise<void>) => Promise<void>

const unreported: Reload = async (work) => work()

/** Watches the application's folder until disposed. */
export async function watch(
  app: Application,
  options: CommonOptions,
  terminal: Terminal,
  reload: Reload = unreported,
): Promise<AsyncDisposable> {
  const watcher = new Watch(app, options, terminal, reload)
  await watcher.begin()
  return watcher
}

class Watch implements AsyncDisposable {
  readonly #app: Application
  readonly #options: CommonOptions
  readonly #terminal: Terminal
  readonly #reload: Reload
  #watcher: FolderWatch | undefined
  #timer: Timer | undefined
  #looking: Promise<void> = Promise.resolve()
  /** The code of each entry at the last check. */
  #code: ReadonlyMap<EntryId, string> = new Map()
  #reported = ''
  /** The configuration at the last check. */
  #config: AppConfig

  constructor(app: Application, options: CommonOptions, terminal: Terminal, reload: Reload) {
    this.#reload = reload
    this.#app = app
    this.#config = app.config
    this.#options = options
    this.#terminal = terminal
  }

  async begin(): Promise<void> {
    this.#watcher = new FolderWatch({
      root: this.#app.config.root,
      isOfInterest,
      onChange: () => {
        this.#soon()
      },
      onFailure: (error, folder) => {
        const name = relative(process.cwd(), folder)
        const hint = isLimit(error) ? '; raise fs.inotify.max_user_watches, or the limit of open files' : ''
        this.#terminal.err(
          `troupe: cannot watch ${name}, and perhaps more: ${messageOf(error)}${hint}; restart to see changes there`,
        )
      },
    })
    this.#code = await codeOf(await examine(this.#options))
    this.#terminal.err('troupe: watching')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.[Symbol.dispose]()
    stopTimer(this.#timer)
    await this.#looking
  }

  #soon(): void {
    stopTimer(this.#timer)
    this.#timer = startTimer(() => {
      this.#looking = this.#looking.then(async () => this.#look())
    }, calm)
  }

  async #look(): Promise<void> {
    try {
      const examined = await examine(this.#options)
      const findings = examined.findings.filter(({ severity }) => severity !== 'warning')
      if (findings.length > 0) this.#refuse(findings.map(formatCheckDiagnostic).join('\n'))
      else await this.#reload(async () => this.#takeOver(examined))
    } catch (error) {
      this.#refuse(describeFailure(error, this.#options.verbose))
    }
  }

  async #takeOver(examined: Examined): Promise<void> {
    const { registry } = this.#app
    const before = registry.version()
    const version = await registry.reload(examined.registry)
    const code = await codeOf(examined)
    const stale = [...code].filter(([id, now]) => (this.#code.get(id) ?? now) !== now).map(([id]) => id)
    this.#code = code
    for (const id of stale) await this.#app.codeChanged(id)
    const restarted = (await Promise.all(stale.map(async (id) => this.#app.restartWith(id)))).flat()
    const changes =
      version === before ? [] : (registry.history().at(-1)?.changes ?? []).map(({ op, id }) => `${op} ${id}`)
    const done = [
      ...changes,
      ...stale.map((id) => `new code for ${id}`),
      ...restarted.map((name) => `restarted ${name}`),
    ]
    if (done.length > 0) this.#terminal.err(`troupe: ${done.join(', ')}`)
    else if (this.#reported !== '') this.#terminal.err('troupe: no problems are left')
    this.#compareConfig(examined)
    this.#reported = ''
  }

  /** The configuration is read only when the application starts. */
  #compareConfig({ config }: Examined): void {
    const before = this.#config
    this.#config = config ?? before
    if (config === undefined || isDeepStrictEqual(config, before)) return
    const { defaultNetwork: now = 'none' } = config.networkService
    const { defaultNetwork: was = 'none' } = this.#app.config.networkService
    const what =
      now === was
        ? 'the configuration has changed'
        : `network_service.default_network has changed from ${was} to ${now}`
    this.#terminal.err(`troupe: ${what}: it is read at the start, so restart to apply it`)
  }

  /** Reports a problem once. */
  #refuse(words: string): void {
    if (words === this.#reported) return
    this.#reported = words
    this.#terminal.err(`troupe: changes not applied; the application continues unchanged\n${words}`)
  }
}

/** The system has no more watches or no more descriptors. */
function isLimit(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ENOSPC', 'EMFILE', 'ENFILE'].includes(String(error.code))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function isOfInterest(name: string): boolean {
  const steps = name.split(sep)
  if (steps.includes('node_modules')) return false
  return /^\.(?:troupe|wippy)\.yaml$/.test(name) || !steps.some((step) => step.startsWith('.'))
}

/** A digest of the modules that each entry runs, including everything that they import. */
async function codeOf({ registry, modules }: Examined): Promise<ReadonlyMap<EntryId, string>> {
  const digests = new Map<EntryId, string>()
  for (const entry of registry.entries()) {
    const program = programOf(registry, entry)
    if (!program) continue
    const hash = createHash('sha256')
    for (const file of [...(await modules.reach(program.file))].toSorted()) {
      hash
        .update(file)
        .update('\0')
        .update(await readFile(file).catch(() => ''))
    }
    digests.set(entry.id, hash.digest('base64'))
  }
  return digests
}
