/**
 * Installs the packed packages into an empty application outside of the repository, and imports every export with the
 * Node that runs this script.
 */
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { manifestOf } from './prepare-publish.ts'

const root = resolve(import.meta.dirname, '..')
const tarballs = globSync('*.tgz', { cwd: join(root, '.cache/tarballs') }).map((file) => join(root, '.cache/tarballs', file))
if (tarballs.length === 0) throw new Error('nothing is packed: run npm run pack:all')

using app = mkdtempDisposableSync(join(tmpdir(), 'troupe-pack-'))
writeFileSync(join(app.path, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs])

const specifiers = globSync(['node_modules/troupe/package.json', 'node_modules/@troupe/*/package.json'], { cwd: app.path }).flatMap(
  specifiersOf,
)
const imports = specifiers.map((specifier) => `import '${specifier}'\nconsole.log('imported ${specifier}')\n`)
writeFileSync(join(app.path, 'main.js'), imports.join(''))
run(process.execPath, ['main.js'])

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { cwd: app.path, stdio: 'inherit' })
}

function specifiersOf(file: string): string[] {
  const { name, exports } = manifestOf(join(app.path, dirname(file)))
  if (typeof name !== 'string' || typeof exports !== 'object' || exports === null) throw new Error(`${file}: no name or no exports`)
  return Object.keys(exports).map((subpath) => name + subpath.slice(1))
}
