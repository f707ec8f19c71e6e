/** Checks a package as it is published. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { manifestOf } from './prepare-publish.ts'

const comment = /\/\*[^]*?\*\/|(?<![:'"`])\/\/[^\n]*/g
const text = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g
/** Matches declarations and modules: `from 'x'`, `import 'x'`, `import('x')`, `import.meta.resolve('x')`. */
const imported =
  /(?:\b(?:import|export)\b[^'"()`;]*\bfrom\s*|\bimport\s*|\bimport\(\s*|\bimport\.meta\.resolve\(\s*)['"](@?[\w-][\w./-]*)['"]/g
/** Files of the package itself, such as programs of threads; up to an extension that is chosen at run time. */
const ownFile = /(?:\bfrom\s*|\bimport\s*|\bimport\(\s*|\bnew URL\(\s*)['"`](\.{1,2}\/[\w./-]+)/g
const runsTests = new Set(['vitest', 'fast-check'])

/**
 * Returns the problems of the package in `folder`, as text. The application provides the packages of `ambient`, such as
 * `@types/node`.
 */
export function faultsOf(folder: string, ambient: readonly string[]): readonly string[] {
  const files = globSync(['dist/**/*.js', 'dist/**/*.d.ts', 'bin/**/*.js'], { cwd: folder }).toSorted()
  const used = new Set<string>()
  const faults: string[] = []
  for (const file of files) {
    const code = readFileSync(join(folder, file), 'utf8').replaceAll(comment, '')
    for (const [, name = ''] of code.matchAll(imported)) if (!isBuiltin(name)) used.add(packageOf(name))
    for (const [, path = ''] of code.matchAll(ownFile)) {
      const target = join(folder, dirname(file), path)
      // Declarations keep the names of the sources.
      if (![target, `${target}.js`, target.replace(/\.ts$/, '.d.ts')].some((each) => existsSync(each)))
        faults.push(`${file}: there is no ${path}`)
    }
    if (file.endsWith('.d.ts') && /\bany\b/.test(code.replaceAll(text, ''))) faults.push(`${file}: a type is any`)
  }
  const tests = globSync('**/*{.test.*,_test.go}', { cwd: folder, exclude: ['node_modules/**'] })
  faults.push(
    ...tests.map((file) => `${file}: a test`),
    ...[...used].filter((name) => runsTests.has(name)).map((name) => `${name} is used`),
  )
  const { name, dependencies = {} } = manifestOf(folder)
  const declared = Object.keys(typeof dependencies === 'object' && dependencies !== null ? dependencies : {})
  for (const each of used)
    if (each !== name && !declared.includes(each) && !ambient.includes(each)) faults.push(`${each} is used and not declared`)
  for (const each of declared) if (!used.has(each)) faults.push(`${each} is declared and not used`)
  return faults
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
