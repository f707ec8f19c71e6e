/**
 * Makes scripts of the chunks of a bundle, and lets its other modules load them. V8 keeps compiled code for scripts
 * that it does not keep for modules (`packages/core/src/script-loader.ts`).
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { parseAst } from 'rolldown/parseAst'
import { isPlainBuiltin, plainBuiltins } from './plain-builtins.ts'

/** As rolldown prints them, each in one line. */
const imported = /^(?:import|(export)) (?:\{(.*)\} from )?"(\.\/shared-[^"]+)";$/gm
/** A package that is no part of the bundle. */
const otherPackage =
  /(?:\bfrom |^import |\bimport\(|\bcreateRequire\(import\.meta\.url\)\()"(?!node:)([@\w][\w./@-]*)"/gm
const relative = /^(?:import|export)\b[^;]*?"(\.[^"]+)";$/gm
const mapComment = /\n\/\/# sourceMappingURL=\S+\s*$/

/**
 * Changes the chunks in `folder`: those that only other files of the bundle import become scripts. A script is a
 * function in parentheses, of what it exports and imports.
 *
 * @param files - All chunks.
 * @param loader - Path of the module that loads scripts.
 */
export async function makeScripts(folder: string, files: readonly string[], loader: string): Promise<void> {
  const external = (id: string) => id.startsWith('node:') && !isPlainBuiltin(id)
  const build = await rolldown({
    input: loader,
    platform: 'node',
    external,
    plugins: [plainBuiltins()],
    treeshake: { propertyReadSideEffects: false },
  })
  await build.write({ file: join(folder, 'script-loader.js'), format: 'esm', comments: false })
  await build.close()
  const texts = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
  const scripts = scriptsAmong(texts)
  for (const [file, code] of texts) {
    if (scripts.has(`./${file}`)) await writeScript(join(folder, file), code, scripts)
    else writeFileSync(join(folder, file), moduleOf(file, code, scripts))
  }
  appendFileSync(join(folder, 'script-loader.js'), traced(files, [...texts.values()].join('')))
}

/** Tools that copy what a program needs follow imports and URLs, but not what a script loads: this names it all. */
function traced(files: readonly string[], code: string): string {
  const urls = files.map((file) => `new URL("./${file}", import.meta.url)`)
  const packages = new Set(Array.from(code.matchAll(otherPackage), ([, name = '']) => name))
  const loads = [...packages].map((name) => `createRequire(import.meta.url)("${name}")`)
  return `export const traced = () => [${[...urls, ...loads].join(', ')}];\n`
}

/** A script cannot wait at its top level, and imports no other files than scripts. */
function scriptsAmong(texts: ReadonlyMap<string, string>): ReadonlySet<string> {
  const shared = [...texts].filter(([file]) => file.startsWith('shared-'))
  const able = shared.filter(([, code]) => !nodesIn(parseAst(code), isFunction).some(isAwait))
  const found = new Map(able.map(([file, code]) => [`./${file}`, code]))
  const isFit = (code: string) => Array.from(code.matchAll(relative), ([, from = '']) => found.has(from)).every(Boolean)
  for (let count = -1; count !== found.size; ) {
    count = found.size
    for (const [file, code] of found) if (!isFit(code)) found.delete(file)
  }
  return new Set(found.keys())
}

/** Writes a script. Imports of other chunks become constants: rolldown would look up each use in an object. */
async function writeScript(path: string, code: string, scripts: ReadonlySet<string>): Promise<void> {
  const nodes = nodesIn(parseAst(code))
  const metas = nodes.filter(({ type, start }) => type === 'MetaProperty' && code.startsWith('import.meta', start))
  const changes = [...metas.map((node): Change => [node, '$meta']), ...laterImports(code, nodes, scripts, true)]
  const input = withConstants(withChanges(code, changes).replace(mapComment, ''), 'require', scripts)
  const map = existsSync(`${path}.map`) ? readFileSync(`${path}.map`, 'utf8') : undefined
  const build = await rolldown({
    input: path,
    platform: 'node',
    external: (id) => id !== path,
    plugins: [{ name: 'chunk', load: (id) => (id === path ? { code: input, ...(map && { map }) } : null) }],
    treeshake: false,
    preserveEntrySignatures: 'strict',
  })
  const { output } = await build.generate({ format: 'cjs', exports: 'named', sourcemap: true, comments: false })
  await build.close()
  const [{ code: text, map: changed }] = output
  if (text.includes('Object.defineProperty(exports, "'))
    throw new Error(`${path} exports a variable that changes: what imports it would not see that`)
  const script = withLazyBuiltins(text)
  const end = map === undefined || changed === null ? '' : `//# sourceMappingURL=${path.replace(/^.*\//, '')}.map\n`
  writeFileSync(path, `(function (exports, require, $meta, $import) {${script.replace(mapComment, '')}\n})\n${end}`)
  if (end !== '') writeFileSync(`${path}.map`, String(changed))
}

/** Returns a module that gets what it imports of scripts from the loader. */
function moduleOf(file: string, code: string, scripts: ReadonlySet<string>): string {
  const later = laterImports(code, nodesIn(parseAst(code)), scripts, false)
  const changed = withConstants(withChanges(code, later), '$load', scripts)
  if (changed === code) return code
  const [first = ''] = /^#!.*\n/.exec(changed) ?? []
  const loader =
    'import { scriptLoader } from "./script-loader.js"; ' +
    `const { load: $load, importLater: $import } = scriptLoader("${file.replace(/\.js$/, '')}"); `
  // Lines stay in their places.
  return first + loader + changed.slice(first.length)
}

/** Changes calls of `import()`: all, or those of scripts. */
function laterImports(code: string, nodes: readonly Node[], scripts: ReadonlySet<string>, areAll: boolean): Change[] {
  return nodes.flatMap((node): Change[] => {
    if (node.type !== 'ImportExpression') return []
    const [, from = ''] = /^import\("([^"]+)"\)/.exec(code.slice(node.start)) ?? []
    if (scripts.has(from)) return [[node, `$import("${scriptId(from)}")`]]
    return areAll ? [[{ start: node.start, end: node.start + 'import'.length }, '$import']] : []
  })
}

function scriptId(from: string): string {
  return from.replace('./', '#')
}

/** Replaces imports of scripts, and exports of such imports, by calls of `load`. Each stays in its line. */
function withConstants(code: string, load: string, scripts: ReadonlySet<string>): string {
  let next = 0
  return code.replaceAll(imported, (all, exported: string | undefined, names: string | undefined, from: string) => {
    if (!scripts.has(from)) return all
    const loaded = `${load}("${scriptId(from)}");`
    if (names === undefined) return loaded
    if (exported === undefined) return `const {${names.replaceAll(' as ', ': ')}} = ${loaded}`
    const pairs = names.split(',').map((name) => name.trim().split(' as '))
    const own = pairs.map(([name = '', as = name]) => ({ name, as, local: `$export${(next += 1)}` }))
    const read = own.map(({ name, local }) => `${name}: ${local}`).join(', ')
    return `const { ${read} } = ${loaded} export { ${own.map(({ local, as }) => `${local} as ${as}`).join(', ')} };`
  })
}

/** Modules of Node that take milliseconds to load, and that many programs do not use. Threads load them in any case. */
const lazy = /^let (node_\w+) = require\("(node:(?:tls|child_process|dgram))"\);$/gm

/** Loads such a module where it is first used. */
function withLazyBuiltins(script: string): string {
  const names = new Map(Array.from(script.matchAll(lazy), ([, name = '', id = '']) => [name, id]))
  if (names.size === 0) return script
  const isUse = (node: Node) =>
    node.type === 'MemberExpression' && 'object' in node && isIdentifier(node.object) && names.has(node.object.name)
  const uses = nodesIn(parseAst(script, { sourceType: 'commonjs' })).filter(isUse)
  return withChanges(
    script,
    uses.map(({ start }) => {
      const [name = ''] = /^\w+/.exec(script.slice(start)) ?? []
      return [{ start, end: start + name.length }, `(${name}())`]
    }),
  )
    .replaceAll(lazy, (_, name: string, id: string) => {
      const isWhole = script.includes(`\n${name} = __toESM(`)
      return `let ${name}_; const ${name} = () => ${name}_ ??= ${isWhole ? '__toESM' : ''}(require("${id}"));`
    })
    .replaceAll(/^(node_\w+) = __toESM\(.*$/gm, (all, name: string) => (names.has(name) ? '' : all))
}

interface Span {
  readonly start: number
  readonly end: number
}

interface Node extends Span {
  readonly type: string
}

type Change = readonly [Span, string]

function withChanges(code: string, changes: readonly Change[]): string {
  return changes
    .toSorted(([a], [b]) => b.start - a.start)
    .reduce((text, [{ start, end }, by]) => text.slice(0, start) + by + text.slice(end), code)
}

/** Returns all nodes of a tree, without those inside of nodes for which `isLeft` is true. */
function nodesIn(tree: unknown, isLeft: (node: Node) => boolean = () => false): Node[] {
  if (Array.isArray(tree)) return tree.flatMap((each) => nodesIn(each, isLeft))
  if (typeof tree !== 'object' || tree === null) return []
  const own = isNode(tree) ? [tree] : []
  if (own.some(isLeft)) return own
  return [...own, ...Object.values(tree).flatMap((each) => nodesIn(each, isLeft))]
}

function isNode(value: object): value is Node {
  return 'type' in value && typeof value.type === 'string' && 'start' in value && 'end' in value
}

function isIdentifier(value: unknown): value is Node & { readonly name: string } {
  return typeof value === 'object' && value !== null && isNode(value) && value.type === 'Identifier' && 'name' in value
}

function isFunction({ type }: Node): boolean {
  return /^(?:Function|ArrowFunction|Method)/.test(type)
}

function isAwait(node: Node): boolean {
  return node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && 'await' in node && node.await === true)
}
