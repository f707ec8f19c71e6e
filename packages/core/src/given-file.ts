/** Files that people name: of the configuration, of variables, of certificates, of modules. */
import { readFileSync, statSync } from 'node:fs'
import { invalid } from './errors.ts'

/** Of a process that holds a pipe open, such as `<(command)` of a shell: someone writes it. */
const ofDescriptors = /^\/(?:dev|proc)\//

/**
 * Refuses a named pipe: reading it would stop the whole program until something writes to it.
 *
 * @throws TroupeError `Invalid`
 */
export function refusePipe(file: string): void {
  if (!ofDescriptors.test(file) && statSync(file, { throwIfNoEntry: false })?.isFIFO() === true)
    throw invalid(`${file} is a pipe, and no file`, { path: file })
}

/**
 * Returns what a file contains.
 *
 * @throws TroupeError `Invalid` for a named pipe; also what `readFileSync` throws.
 */
export function readGivenFile(file: string): Buffer {
  refusePipe(file)
  return readFileSync(file)
}
