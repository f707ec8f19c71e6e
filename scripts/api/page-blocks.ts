/** The blocks of code on the pages of `docs` and on the README, as modules and applications that can be checked. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { declares, moduleText, uses } from './examples.ts'

const repository = join(import.meta.dirname, '../..')

/** A block in the language that it is marked with. */
export interface Block {
  /** The page, and the number of the block among those of its language. */
  readonly at: string
  /** The page without its folder and extension. */
  readonly page: string
  /** The file that the block is, if its first line names one. */
  readonly file: string | undefined
  readonly text: string
}

/** Returns the blocks of pages, by their page. */
export function blocksOf(language: 'ts' | 'yaml', pages: readonly string[]): readonly Block[] {
  return globSync(pages, { cwd: repository })
    .toSorted()
    .flatMap((path) => {
      const found = readFileSync(join(repository, path), 'utf8').matchAll(/^```(\w+)\n([^]*?)^```$/gm)
      const texts = Array.from(found).flatMap(([, marked, text = '']) => (marked === language ? [text] : []))
      return texts.map((text, index) => ({
        at: `${path} ${language} ${index + 1}`,
        page: basename(path, '.md'),
        file: /^(?:#|\/\/) (\S+\.\w+)\n/.exec(text)?.[1],
        text,
      }))
    })
}

/** What pages take for granted: names that a block uses without a declaration, because the text around it has one. */
const given: Readonly<Record<string, string>> = {
  boot: "import { boot } from 'troupe/app'",
  createServer: "import { createServer } from 'node:http'",
  error: 'declare const error: Error',
  expect: "import { expect } from 'vitest'",
  fastify:
    "declare const fastify: { register(plugin: ReturnType<typeof import('troupe/adapters').fastifyTroupe>): unknown }",
  hono: "declare const hono: { use(middleware: ReturnType<typeof import('troupe/adapters').honoTroupe>): void }",
  load: "declare const load: NonNullable<import('troupe').StartOptions['functions']>[string]",
  loopback: "declare const loopback: NonNullable<import('troupe/app').LoadOptions['overlays']>[number]['kind']",
  once: "import { once } from 'node:events'",
  painter: "declare const painter: import('troupe').Pid",
  proxy: "declare const proxy: NonNullable<import('troupe/app').LoadOptions['entries']>[number]",
  readable: 'declare const readable: ReadableStream<Uint8Array>',
  root: 'declare const root: string',
  show: 'declare const show: (bytes: number, total: number | undefined) => void',
  site: "declare const site: { use(middleware: ReturnType<typeof import('troupe/adapters').expressTroupe>): void }",
  startApp: "import { startApp } from 'troupe/test'",
  token: 'declare const token: string',
  url: 'declare const url: string',
  z: "import { z } from 'zod'",
}

/** Returns a block as a module: with the names of `troupe` that it uses, and those that its page takes for granted. */
export function blockModule({ text }: Block, exported: ReadonlyMap<string, readonly string[]>): string {
  const lines = Object.entries(given).flatMap(([name, line]) =>
    uses(text, name) && !declares(text, name) ? [line] : [],
  )
  return `${lines.join('\n')}\n${moduleText(text, 'troupe', exported)}`
}
