/**
 * Draws the state machines into the docs, as Mermaid diagrams between markers: `<!-- machine service -->` and
 * `<!-- /machine -->`. With `--check` it writes nothing, and fails on an outdated diagram.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { lifecycleMachine } from '../packages/process/src/service/lifecycle.machine.ts'

/** The part of an xstate machine that is read. */
interface Node {
  readonly key: string
  readonly states: Readonly<Record<string, Node>>
  readonly invoke: readonly { readonly src: unknown }[]
  readonly transitions: ReadonlyMap<string, readonly Transition[]>
}

interface Transition {
  readonly target: readonly { readonly key: string }[] | undefined
  readonly guard?: unknown
  readonly actions: readonly unknown[]
}

export interface Machine {
  readonly id: string
  readonly root: Node & { readonly initial: { readonly target: readonly { readonly key: string }[] | undefined } }
}

/** The machines that the packages' `*.machine.ts` export. */
export async function machines(root: string): Promise<readonly Machine[]> {
  const files = globSync('packages/*/src/**/*.machine.ts', { cwd: root }).toSorted()
  const modules = await Promise.all(
    files.map(async (file): Promise<unknown> => import(pathToFileURL(join(root, file)).href)),
  )
  return modules.flatMap((module) =>
    typeof module === 'object' && module !== null ? Object.values(module).flatMap(machineOf) : [],
  )
}

function machineOf(value: unknown): readonly Machine[] {
  if (isMachine(value)) return [value]
  return value === lifecycleMachine ? [fromTable(lifecycleMachine)] : []
}

/** The table of the life cycle, in the form of xstate. */
function fromTable({ id, initial, states }: typeof lifecycleMachine): Machine {
  const nodes = Object.entries(states).map(([key, { on, work, delays = [] }]): [string, Node] => {
    const nameOfCause = (cause: string) => {
      if (delays.some((delay) => delay === cause)) return `xstate.after.${cause}`
      if (cause === 'done') return 'xstate.done.actor'
      return cause === 'failed' ? 'xstate.error.actor' : cause
    }
    const transitions = Object.entries(on).map(([cause, each]): [string, readonly Transition[]] => [
      nameOfCause(cause),
      each.map(({ target, guard, actions = [] }) => ({ target: target && [{ key: target }], guard, actions })),
    ])
    return [key, { key, states: {}, invoke: work ? [{ src: work }] : [], transitions: new Map(transitions) }]
  })
  return { id, root: { ...nodeOf(id, Object.fromEntries(nodes)), initial: { target: [{ key: initial }] } } }
}

function nodeOf(key: string, states: Node['states']): Node {
  return { key, states, invoke: [], transitions: new Map() }
}

function isMachine(value: unknown): value is Machine {
  return typeof value === 'object' && value !== null && 'root' in value && 'id' in value
}

/** The diagram of a machine without nested states. */
export function diagram({ root }: Machine): string {
  const lines = Object.values(root.states).flatMap((state) =>
    Array.from(state.transitions, ([event, transitions]) =>
      transitions.map((transition) => {
        const [target] = transition.target ?? [state]
        return `  ${state.key} --> ${target?.key}: ${label(event, state, transition)}`
      }),
    ).flat(),
  )
  return ['stateDiagram-v2', `  [*] --> ${root.initial.target?.[0]?.key}`, ...lines].join('\n')
}

function label(event: string, { invoke }: Node, { guard, actions }: Transition): string {
  const condition = guard === undefined ? '' : ` [${nameOf(guard)}]`
  const names = actions.map(nameOf).join(', ')
  return `${cause(event, nameOf(invoke[0]?.src))}${condition}${names === '' ? '' : ` / ${names}`}`
}

/**
 * The label of an event: xstate names its own events `xstate.after.<delay>.<state>`, `xstate.done.actor.<actor>` and so
 * on.
 */
function cause(event: string, actor: string): string {
  const [, kind, detail] = /^xstate\.(after|done|error)\.(\w+)/.exec(event) ?? []
  if (kind === undefined) return event
  return kind === 'after' ? `after ${detail}` : `${actor} ${kind === 'done' ? 'done' : 'failed'}`
}

/** The name of a guard, an action or an actor: itself, or its `type`. */
function nameOf(part: unknown): string {
  if (typeof part === 'object' && part !== null && 'type' in part) return String(part.type)
  return String(part)
}

/** The page with the diagram of a machine inserted; `undefined` when it has no markers for it. */
export function withDiagram(page: string, machine: Machine): string | undefined {
  const before = `<!-- machine ${machine.id} -->\n`
  const start = page.indexOf(before)
  const end = page.indexOf('<!-- /machine -->', start)
  if (start === -1 || end === -1) return undefined
  return `${page.slice(0, start)}${before}\n\`\`\`mermaid\n${diagram(machine)}\n\`\`\`\n\n${page.slice(end)}`
}

/** Draws a machine on each page that has markers for it; returns the problems. */
function draw(root: string, machine: Machine, isCheck: boolean): readonly string[] {
  const pages = globSync('docs/**/*.md', { cwd: root }).flatMap((page) => {
    const old = readFileSync(join(root, page), 'utf8')
    const next = withDiagram(old, machine)
    return next === undefined ? [] : [{ page, old, next }]
  })
  if (pages.length === 0)
    return [`machine "${machine.id}": no page of docs/ has "<!-- machine ${machine.id} -->" and "<!-- /machine -->"`]
  const old = pages.filter((page) => page.old !== page.next)
  if (isCheck)
    return old.map(({ page }) => `${page}: the picture of machine "${machine.id}" is old: run "npm run docs:machines"`)
  for (const { page, next } of old) writeFileSync(join(root, page), next)
  return []
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..')
  const found = await machines(root)
  const problems = found.flatMap((machine) => draw(root, machine, process.argv.includes('--check')))
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}
