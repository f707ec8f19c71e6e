/** Checks a package as it is published. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { keysOf, manifestOf } from './manifest.ts'

/** Not in an address such as `https://*.example.com/*`. */
const comment = /(?<![^\s;,(){}[\]=:?])\/\*[^]*?\*\/|(?<![:'"`])\/\/[^\n]*/g
const text = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g
/**
 * Matches `from 'x'`, `import 'x'`, `import('x')`, `import.meta.resolve('x')` and
 * `createRequire(import.meta.url)('x')`, also in scripts of bundles.
 */
const imported = new RegExp(
  String.raw`(?:\b(?:import|export)\b[^'"()\`;]*\bfrom\s*|\bimport\s*|\bimport\(\s*|\bimport\.meta\.resolve\(\s*|` +
    String.raw`\bcreateRequire\)?\((?:import\.|\$)meta\.url\)\()['"](@?[\w-][\w./-]*)['"]`,
  'g',
)
/** Files of the package itself, such as programs of threads; up to an extension that is chosen at run time. */
const ownFile = /(?:\bfrom\s*|\bimport\s*|\bimport\(\s*|\bnew URL\(\s*)['"`](\.{1,2}\/[\w./-]+)/g
const runsTests = new Set(['vitest', 'fast-check'])

/**
 * Returns the problems of the package in `folder`, as text. The application provides the packages of `ambient`, such as
 * `@types/node`.
 */
export function faultsOf(folder: string, ambient: readonly string[]): readonly string[] {
  const used = packagesUsed(folder)
  const faults: string[] = []
  for (const { file, code } of publishedCode(folder)) {
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
  const { name, dependencies, peerDependencies } = manifestOf(folder)
  const declared = keysOf(dependencies)
  const provided = new Set([...ambient, ...keysOf(peerDependencies)])
  for (const each of used)
    if (each !== name && !declared.includes(each) && !provided.has(each))
      faults.push(`${each} is used and not declared`)
  for (const each of declared) if (!used.has(each)) faults.push(`${each} is declared and not used`)
  return faults
}

/** Returns the packages that the published code and declarations of a package import, itself included. */
export function packagesUsed(folder: string): ReadonlySet<string> {
  const specifiers = publishedCode(folder).flatMap(({ code }) =>
    Array.from(code.matchAll(imported), ([, name = '']) => name),
  )
  return new Set(specifiers.filter((name) => !isBuiltin(name)).map(packageOf))
}

/** The code and declarations of a package, without comments. */
function publishedCode(folder: string): readonly { readonly file: string; readonly code: string }[] {
  return globSync(['dist/**/*.js', 'dist/**/*.d.ts', 'bin/**/*.js'], { cwd: folder })
    .toSorted()
    .map((file) => ({ file, code: readFileSync(join(folder, file), 'utf8').replaceAll(comment, '') }))
}

/** Returns the package that a specifier names. */
export function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}
