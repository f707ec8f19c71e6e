/** The page's files as the repository has them: TypeScript, and libraries as npm installs them. Not for publication. */
import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import type { FindFile, PageFile } from './page-file.ts'

/** The modules of libraries, by what the page imports. */
const modules: Readonly<Record<string, string>> = {
  preact: 'preact',
  'preact/hooks': 'preact/hooks',
  htm: 'htm',
  // Its main module is CommonJS.
  uplot: 'uplot/dist/uPlot.esm.js',
  'd3-hierarchy': 'd3-hierarchy',
}
const libraries = Object.keys(modules)
const charts = 'uplot'
const pathOf = (library: string) => `/lib/${library.replace('/', '-')}.js`
/** An import of a library, whose specifier browsers do not resolve. */
const bare = /((?:\bfrom|\bimport)\s*)(['"])([a-z][\w/-]*)\2/g

/** Returns the function that finds files: they are read each time. */
export function findSource(folder: URL, fileOf: (name: string, body: string | Buffer) => PageFile): FindFile {
  const text = async (url: URL) => readFile(url, 'utf8')
  const resolved = (code: string) =>
    code.replaceAll(bare, (all: string, before: string, quote: string, name: string) =>
      libraries.includes(name) ? `${before}${quote}${pathOf(name)}${quote}` : all,
    )
  return async (path) => {
    const library = libraries.find((name) => pathOf(name) === path)
    if (library !== undefined)
      return fileOf('library.js', resolved(await text(new URL(import.meta.resolve(modules[library] ?? library)))))
    if (path === '/chart.css') return fileOf(path, await text(new URL('uPlot.min.css', import.meta.resolve(charts))))
    const name = path === '/' ? 'index.html' : path.slice(1)
    if (!/^[\w/-]+\.(?:js|ts|css|html|svg)$/.test(name)) return undefined
    try {
      if (!/\.[jt]s$/.test(name)) return fileOf(name, await text(new URL(name, folder)))
      const source = await text(new URL(name.replace(/\.js$/, '.ts'), folder))
      return fileOf('module.js', resolved(stripTypeScriptTypes(source)))
    } catch {
      return undefined
    }
  }
}
