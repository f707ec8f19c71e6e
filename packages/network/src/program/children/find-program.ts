/** Finds the file that the system would run for a command, as `execvp(3)` does. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'

const defaultPath = '/usr/bin:/bin'
const longestLine = 4096

/** Returns the absolute path of the program; `undefined` when there is none. */
export function findProgram(command: string, folder: string, path = defaultPath): string | undefined {
  if (command === '') return undefined
  if (command.includes('/')) return runnable(resolve(folder, command))
  for (const each of path.split(':')) {
    const found = runnable(join(isAbsolute(each) ? each : resolve(folder, each), command))
    if (found !== undefined) return found
  }
  return undefined
}

function runnable(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile() ? file : undefined
  } catch {
    return undefined
  }
}

/** Returns the interpreter of a script and its argument, from the script's first line (`#!`). */
export function interpreterOf(file: string): readonly [string, string?] | undefined {
  const [, line] = /^#!([^\n]*)/.exec(startOf(file)) ?? []
  if (line === undefined) return undefined
  const [, interpreter = '', argument = ''] = /^\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? []
  return argument === '' ? [interpreter] : [interpreter, argument]
}

function startOf(file: string): string {
  try {
    const opened = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(longestLine)
      return bytes.toString('latin1', 0, readSync(opened, bytes, 0, longestLine, 0))
    } finally {
      closeSync(opened)
    }
  } catch {
    // A program that runs, and that this user may not read, is no script.
    return ''
  }
}
