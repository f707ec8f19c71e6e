/** YAML as a tree in which each value knows its position. Trees are immutable: layering builds new ones. */
import type { Path, SourcePosition } from './source-position.ts'

export interface YamlScalar {
  readonly type: 'scalar'
  readonly place: SourcePosition
  readonly value: string | number | boolean | null
}

export interface YamlSequence {
  readonly type: 'sequence'
  readonly place: SourcePosition
  readonly items: readonly YamlNode[]
}

export interface YamlPair {
  /** Position of the key. */
  readonly key: SourcePosition
  readonly node: YamlNode
}

export interface YamlMapping {
  readonly type: 'mapping'
  readonly place: SourcePosition
  readonly pairs: ReadonlyMap<string, YamlPair>
}

export type YamlNode = YamlScalar | YamlSequence | YamlMapping

/** Returns the plain value of a node, frozen. */
export function valueOf(node: YamlNode): unknown {
  if (node.type === 'scalar') return node.value
  if (node.type === 'sequence') return Object.freeze(node.items.map(valueOf))
  return Object.freeze(Object.fromEntries(Array.from(node.pairs, ([key, pair]) => [key, valueOf(pair.node)])))
}

/** Returns the position of the value at `path`, or that of the nearest value around it. */
export function positionAt(node: YamlNode, path: Path): SourcePosition {
  let current = node
  for (const step of path) {
    const next = childOf(current, step)
    if (next === undefined) break
    current = next
  }
  return current.place
}

/** Returns the position of the key at the end of `path`, or that of the nearest value around it. */
export function keyPositionAt(node: YamlNode, path: Path): SourcePosition {
  const parent = nodeAt(node, path.slice(0, -1))
  const pair = parent?.type === 'mapping' ? parent.pairs.get(String(path.at(-1))) : undefined
  return pair?.key ?? positionAt(node, path)
}

/** Returns the node at `path`, if it exists. */
function nodeAt(node: YamlNode, path: Path): YamlNode | undefined {
  let current: YamlNode | undefined = node
  for (const step of path) current = current && childOf(current, step)
  return current
}

/**
 * Returns `node` with `replacement` at `path`. Missing mappings on the way are created; `undefined` when the path leads
 * through a scalar or past the end of a sequence.
 */
export function withNodeAt(node: YamlNode, path: Path, replacement: YamlNode): YamlNode | undefined {
  const [step, ...rest] = path
  if (step === undefined) return replacement
  if (node.type === 'scalar')
    return node.value === null ? withNodeAt(emptyMapping(replacement.place), path, replacement) : undefined
  const child = withNodeAt(childOf(node, step) ?? emptyMapping(replacement.place), rest, replacement)
  if (child === undefined) return undefined
  if (node.type === 'mapping') {
    const key = node.pairs.get(String(step))?.key ?? replacement.place
    return { ...node, pairs: new Map(node.pairs).set(String(step), { key, node: child }) }
  }
  return typeof step === 'number' && step < node.items.length
    ? { ...node, items: node.items.with(step, child) }
    : undefined
}

/** Returns `over` laid on `base`: mappings are merged, anything else is replaced. */
export function mergeNodes(base: YamlNode, over: YamlNode): YamlNode {
  if (base.type !== 'mapping' || over.type !== 'mapping') return over
  const pairs = new Map(base.pairs)
  for (const [key, pair] of over.pairs) {
    const below = pairs.get(key)
    pairs.set(key, below ? { key: pair.key, node: mergeNodes(below.node, pair.node) } : pair)
  }
  return { ...base, pairs }
}

export function emptyMapping(place: SourcePosition): YamlMapping {
  return { type: 'mapping', place, pairs: new Map() }
}

function childOf(node: YamlNode, step: string | number): YamlNode | undefined {
  if (node.type === 'mapping') return node.pairs.get(String(step))?.node
  return node.type === 'sequence' && typeof step === 'number' ? node.items[step] : undefined
}
