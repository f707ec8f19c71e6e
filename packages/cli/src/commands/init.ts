/** `troupe init [dir]`. */
import { resolve } from 'node:path'
import { createApplication, nextSteps } from '../init/index.ts'
import type { CommonOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import { version } from '../version.ts'

/** Writes a new application into `folder`, or adds one to the project there. */
export function init(
  { root, folder, from, json }: CommonOptions & { readonly folder: string; readonly from: string | undefined },
  terminal: Terminal,
): number {
  const created = createApplication({ folder: resolve(root, folder), version, from })
  terminal.out(json ? JSON.stringify(created, undefined, 2) : nextSteps(created))
  return 0
}
