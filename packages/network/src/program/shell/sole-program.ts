/** The most common command of a shell: one program with arguments. The shell would only replace itself with it. */
import type { ListItem } from './syntax.ts'
import { builtinNames } from './builtins.ts'
import { expandText, expandWord, type Scope } from './expand.ts'

/** Returns that program; `undefined` for every other command. */
export function soleProgram(list: readonly ListItem[], scope: Scope) {
  const [item, ...more] = list
  const [command, ...piped] = item?.pipeline.commands ?? []
  if (item === undefined || command === undefined || more.length > 0 || piped.length > 0) return undefined
  if (item.pipeline.negated || command.redirects.length > 0) return undefined
  const args = command.words.flatMap((word) => expandWord(word, scope))
  const [file] = args
  if (file === undefined || builtinNames.has(file)) return undefined
  const env = new Map(scope.env)
  for (const [name, value] of command.assignments) env.set(name, expandText(value, { ...scope, env }))
  return { file, args, env }
}
