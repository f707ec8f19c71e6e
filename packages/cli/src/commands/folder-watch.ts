/**
 * Watches a folder and its subfolders. Node's own recursive watch also watches `node_modules`, and ends the program
 * when the system has no more watches.
 */
import { type FSWatcher, readdirSync, watch } from 'node:fs'
import { join, relative } from 'node:path'

export interface FolderWatchOptions {
  readonly root: string
  /** Whether a path under the root is of interest; called for files and folders. */
  readonly isOfInterest: (path: string) => boolean
  readonly onChange: () => void
  /** A folder cannot be watched: reported once. */
  readonly onFailure: (error: unknown, folder: string) => void
}

export class FolderWatch implements Disposable {
  readonly #options: FolderWatchOptions
  readonly #watchers = new Map<string, FSWatcher>()
  #failed = false

  constructor(options: FolderWatchOptions) {
    this.#options = options
    this.#add(options.root)
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  /** Watches a folder and its subfolders. */
  #add(folder: string): void {
    if (this.#watchers.has(folder)) return
    try {
      const watcher = watch(folder, (event, name) => {
        this.#changed(folder, event, name)
      })
      watcher.on('error', (error) => {
        this.#drop(folder)
        this.#fail(error, folder)
      })
      this.#watchers.set(folder, watcher)
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (entry.isDirectory() && this.#isOfInterest(path)) this.#add(path)
      }
    } catch (error) {
      // It may no longer exist.
      if (!hasCode(error, 'ENOENT')) this.#fail(error, folder)
    }
  }

  #changed(folder: string, event: string, name: string | null): void {
    const path = name === null ? folder : join(folder, name)
    if (path !== this.#options.root && !this.#isOfInterest(path)) return
    // A name was added or removed; it may be that of a folder.
    if (event === 'rename') {
      this.#drop(path)
      this.#addIfFolder(path)
    }
    this.#options.onChange()
  }

  #addIfFolder(path: string): void {
    try {
      readdirSync(path)
    } catch {
      return
    }
    this.#add(path)
  }

  #drop(folder: string): void {
    for (const [path, watcher] of this.#watchers) {
      if (path !== folder && !path.startsWith(`${folder}/`)) continue
      watcher.close()
      this.#watchers.delete(path)
    }
  }

  #isOfInterest(path: string): boolean {
    return this.#options.isOfInterest(relative(this.#options.root, path))
  }

  #fail(error: unknown, folder: string): void {
    if (this.#failed) return
    this.#failed = true
    this.#options.onFailure(error, folder)
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
