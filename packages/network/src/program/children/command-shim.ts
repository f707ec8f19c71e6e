/**
 * The scripts that pnpm and others write to `node_modules/.bin` (`cmd-shim`): each only starts one Node program. They
 * use more of a shell than Troupe runs, so they are recognised as a whole.
 */
import { dirname } from 'node:path'

const head = '#!/bin/sh\nbasedir=$(dirname "$(echo "$0" | sed -e \'s,\\\\,/,g\')")\n'
const start = /^if \[ -x "\$basedir\/node" \]; then\n *exec "\$basedir\/node" +(.*)\nelse\n *exec node +\1\nfi$/m
const modules =
  /^if \[ -z "\$NODE_PATH" \]; then\n *export NODE_PATH=("[^"]*")\nelse\n *export NODE_PATH=("[^"]*")\nfi$/m

/**
 * Returns the one command that such a script is; `undefined` for other scripts.
 *
 * @param env - The environment of the script.
 */
export function shimCommand(text: string, script: string, env: ReadonlyMap<string, string>): string | undefined {
  const [, args] = text.startsWith(head) ? (start.exec(text) ?? []) : []
  if (args === undefined) return undefined
  const [, own, longer] = modules.exec(text) ?? []
  const paths = (env.get('NODE_PATH') ?? '') === '' ? own : longer
  // It stands within double quotes.
  const folder = dirname(script).replaceAll(/["$`\\]/g, String.raw`\$&`)
  return `${paths === undefined ? '' : `NODE_PATH=${paths} `}node ${args.replaceAll('$basedir', () => folder)}`
}
