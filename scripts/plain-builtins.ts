/** Imports of Node's own modules, without what their ES modules load. */
import { builtinModules } from 'node:module'
import type { Plugin } from 'rolldown'

/**
 * The guard replaces functions of these, and so do hosts without network. Imports of them stay imports: their bindings
 * change with `syncBuiltinESMExports`.
 */
const replaced = new Set([
  ...['child_process', 'cluster', 'dgram', 'dns', 'dns/promises', 'http', 'http2', 'https', 'inspector', 'module'],
  ...['inspector/promises', 'net', 'process', 'sqlite', 'tls', 'worker_threads'],
])

/**
 * The main thread loads these when it first calls a function of them. Other threads load them in any case, with the
 * guard, and keep their functions before code of the application could replace them.
 */
const late = new Set(['crypto'])

const mark = '\0builtin:'
/** What libraries get with `require`: the module itself. Its variant for `import` would have to read every export. */
const required = '\0builtin-required:'

/**
 * Gets the other modules with `process.getBuiltinModule`. An import evaluates every export of a module, and many are
 * getters that load more modules: `node:fs` loads `readline`, `node:crypto` loads WebCrypto
 * (`docs/discoveries/0080-imports-of-builtins.md`).
 */
export function plainBuiltins(): Plugin {
  return {
    name: 'plain-builtins',
    resolveId: (id, _importer, { kind }) =>
      isPlainBuiltin(id) ? (kind === 'require-call' ? required : mark) + nameOf(id) : null,
    load(id) {
      if (id.startsWith(required))
        return `module.exports = process.getBuiltinModule('node:${id.slice(required.length)}')\n`
      if (!id.startsWith(mark)) return null
      const name = id.slice(mark.length)
      const names = Object.keys(process.getBuiltinModule(name) ?? {}).filter((each) => /^[A-Za-z_$]\w*$/.test(each))
      const own = names.filter((each) => each !== 'default')
      if (late.has(name)) return { code: lateModule(name, own), moduleSideEffects: false }
      const code = own.map((each) => `export const ${each} = module.${each}\n`)
      const start = `const module = process.getBuiltinModule('node:${name}')\nexport default module\n`
      return { code: start + code.join(''), moduleSideEffects: false }
    },
  }
}

function lateModule(name: string, names: readonly string[]): string {
  const module: unknown = process.getBuiltinModule(name)
  const isFunction = (each: string) => typeof Reflect.get(Object(module), each) === 'function'
  const eager = (each: string) => `/* @__PURE__ */ get().${each}`
  const functions = names.filter(isFunction).map((each) => {
    // A class is called with `new`.
    const later = /^[A-Z]/.test(each)
      ? `function (...args) { return Reflect.construct(get().${each}, args) }`
      : `(...args) => get().${each}(...args)`
    return `export const ${each} = isLate ? ${later} : ${eager(each)}\n`
  })
  const others = names.filter((each) => !isFunction(each)).map((each) => `export const ${each} = ${eager(each)}\n`)
  return (
    `const isLate = process.getBuiltinModule('node:worker_threads').isMainThread\n` +
    `const builtin = process.getBuiltinModule\n` +
    `let module\nconst get = () => module ??= builtin('node:${name}')\n` +
    `export default /* @__PURE__ */ get()\n${functions.join('')}${others.join('')}`
  )
}

/** Whether {@link plainBuiltins} gets a module of this name. */
export function isPlainBuiltin(id: string): boolean {
  return id.startsWith('node:') && builtinModules.includes(nameOf(id)) && !replaced.has(nameOf(id))
}

function nameOf(id: string): string {
  return id.replace(/^node:/, '')
}

/** Whether a module of a bundle stands for one of Node's. */
export function isBuiltinModule(id: string): boolean {
  return id.startsWith(mark) || id.startsWith(required)
}
