/** `troupe init [dir]`. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { TroupeError } from '@troupe/core'
import type { CommonOptions } from '../invocation.ts'
import { initTemplate } from './init-template.ts'
import type { Terminal } from '../terminal.ts'

/** Writes a new application into `folder`, which must be empty or not exist. */
export function init({ root, folder, json }: CommonOptions & { readonly folder: string }, terminal: Terminal): number {
  const target = resolve(root, folder)
  refuseUnlessEmpty(target)
  const files = Object.entries(initTemplate(basename(target)))
  for (const [name, text] of files) {
    mkdirSync(dirname(join(target, name)), { recursive: true })
    writeFileSync(join(target, name), text)
  }
  if (json) terminal.out(JSON.stringify({ folder: target, files: files.map(([name]) => name) }, undefined, 2))
  else
    terminal.out(
      nextSteps(
        target,
        files.map(([name]) => name),
      ),
    )
  return 0
}

function refuseUnlessEmpty(target: string): void {
  if (!existsSync(target)) return
  if (!statSync(target).isDirectory()) throw new TroupeError('AlreadyExists', `${target} is a file; name a folder that is new or empty`)
  // A fresh clone of an empty repository counts as empty.
  const first = readdirSync(target).find((name) => name !== '.git')
  if (first !== undefined)
    throw new TroupeError('AlreadyExists', `${target} is not empty: it holds ${first}; name a folder that is new or empty`)
}

function nextSteps(target: string, files: readonly string[]): string {
  const inside = relative(process.cwd(), target)
  const way = inside.startsWith('..') ? target : inside
  return [
    `A new application in ${target}:`,
    ...files.map((name) => `  ${name}`),
    '',
    'Next:',
    ...(way === '' ? [] : [`  cd ${way}`]),
    '  npm install',
    '  npx troupe run hello Ada',
  ].join('\n')
}
