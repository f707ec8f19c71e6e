/** Circles of imports between the files of a package; imports of types count, because a reader follows them too. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** The specifiers that a source file imports, in its order. */
export type Specifiers = (source: string) => readonly string[]

/** Each circle as the list of its files, sorted; `files` are absolute paths. */
export function circles(files: readonly string[], specifiers: Specifiers): readonly (readonly string[])[] {
  const known = new Set(files)
  const edges = new Map(
    files.map((file) => {
      const targets = specifiers(readFileSync(file, 'utf8'))
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => resolve(dirname(file), specifier))
      return [file, targets.filter((target) => known.has(target))] as const
    }),
  )
  return stronglyConnected(edges).map((circle) => circle.toSorted())
}

/** Tarjan's algorithm, without recursion: components of more than one node, and nodes with an edge to themselves. */
function stronglyConnected(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const onStack = new Set<string>()
  const found: string[][] = []
  for (const root of edges.keys()) if (!index.has(root)) visit(root)
  return found

  function visit(root: string): void {
    const work: { readonly node: string; next: number }[] = [{ node: root, next: 0 }]
    enter(root)
    for (let top = work.at(-1); top !== undefined; top = work.at(-1)) {
      const target = edges.get(top.node)?.[top.next]
      top.next += 1
      if (target === undefined) {
        work.pop()
        leave(top.node)
        const parent = work.at(-1)?.node
        if (parent !== undefined) lower(parent, low.get(top.node))
      } else if (!index.has(target)) {
        enter(target)
        work.push({ node: target, next: 0 })
      } else if (onStack.has(target)) lower(top.node, index.get(target))
    }
  }

  function enter(node: string): void {
    index.set(node, index.size)
    low.set(node, index.size - 1)
    stack.push(node)
    onStack.add(node)
  }

  function lower(node: string, to: number | undefined): void {
    low.set(node, Math.min(low.get(node) ?? 0, to ?? Number.POSITIVE_INFINITY))
  }

  function leave(node: string): void {
    if (low.get(node) !== index.get(node)) return
    const circle = stack.splice(stack.lastIndexOf(node))
    for (const member of circle) onStack.delete(member)
    if (circle.length > 1 || edges.get(node)?.includes(node) === true) found.push(circle)
  }
}
