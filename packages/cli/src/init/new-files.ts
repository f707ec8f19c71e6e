/** Files that belong together: all of them are written, or none. Never replaces a file that it does not mean to. */
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'

export class NewFiles {
  readonly #undo: (() => void)[] = []

  /** Writes a file that does not exist, and the folders above it. */
  add(file: string, text: string): void {
    this.#addFolder(dirname(file))
    this.#write(file, text)
  }

  /** Replaces a file by another text, in one step: a full disk leaves it as it was. It keeps its mode. */
  replace(file: string, text: string): void {
    const target = realpathSync(file)
    const beside = `${target}.${process.pid}.tmp`
    this.#write(beside, text)
    chmodSync(beside, statSync(target).mode)
    renameSync(beside, target)
  }

  /** Removes what was written. */
  undo(): void {
    for (const step of this.#undo.toReversed()) {
      try {
        step()
      } catch {
        // It is gone, or others have put something into the folder.
      }
    }
  }

  #addFolder(folder: string): void {
    const first = mkdirSync(folder, { recursive: true })
    if (first === undefined) return
    const made: string[] = []
    for (let above = folder; above.length >= first.length; above = dirname(above)) made.unshift(above)
    for (const each of made)
      this.#undo.push(() => {
        rmdirSync(each)
      })
  }

  #write(file: string, text: string): void {
    const opened = openSync(file, 'wx')
    this.#undo.push(() => {
      rmSync(file)
    })
    try {
      writeFileSync(opened, text)
    } finally {
      closeSync(opened)
    }
  }
}
