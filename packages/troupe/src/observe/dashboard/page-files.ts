/**
 * The files of the page. In the published package they are ready; from sources, modules are served one by one, without
 * their types.
 */
import { readFile } from 'node:fs/promises'
import type { FindFile, PageFile } from './page-file.ts'

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

const folder = new URL('../../../dashboard/', import.meta.url)
/** What is published, by path. */
const files: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/main.js': 'main.js',
  '/style.css': 'style.css',
  '/chart.css': 'chart.css',
  '/icon.svg': 'icon.svg',
}

/** Returns the function that finds files: each is read once. */
export async function pageFiles(): Promise<FindFile> {
  if (import.meta.filename.endsWith('.ts')) return (await import('./source-files.ts')).findSource(folder, fileOf)
  const found = new Map<string, PageFile>()
  for (const [path, name] of Object.entries(files)) found.set(path, fileOf(name, await readFile(new URL(name, folder))))
  return async (path) => found.get(path)
}

function fileOf(name: string, body: string | Buffer): PageFile {
  return { type: types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream', body }
}
