/** Runs the compiler on examples. */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const compilerOptions = {
  ...{ noEmit: true, composite: false, incremental: false, rewriteRelativeImportExtensions: false },
  ...{ noUnusedLocals: false, noUnusedParameters: false },
}
const tsc = resolve(import.meta.dirname, '../../node_modules/typescript/bin/tsc')

/**
 * Returns what the compiler prints about files of a folder, which is two below the root of the repository.
 *
 * @param number - Of this program among those of the folder.
 */
export async function compile(folder: string, number: number, files: object): Promise<string> {
  const config = join(folder, `tsconfig.${number}.json`)
  writeFileSync(config, JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions, ...files }))
  const argv = [tsc, '--pretty', 'false', '--project', config]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: folder }).catch((error: unknown) => {
    if (typeof error === 'object' && error !== null && 'stdout' in error) return { stdout: String(error.stdout) }
    throw error
  })
  return stdout
}
