/** Arranges services and processes as a tree. */
import { hierarchy, type HierarchyNode } from 'd3-hierarchy'
import type { Change, ObservedService, Process } from '../events.ts'

/** A service or a process, and what is below it. */
export interface Branch {
  readonly id: string
  readonly label: string
  readonly depth: number
  readonly service: ObservedService | undefined
  readonly process: Process | undefined
  readonly children: readonly string[]
  /** Processes in it, itself included. */
  readonly size: number
  /** Messages that wait in it. */
  readonly mailbox: number
  /** How often the service failed lately. */
  readonly failures: number
}

interface Item {
  readonly id: string
  readonly label: string
  readonly service?: ObservedService
  readonly process?: Process
  readonly below: Item[]
}

export interface Branches {
  /** The rows in sight: of expanded branches, or those that match with what is above them. */
  visible(isOpen: (branch: Branch) => boolean, isShown?: (branch: Branch) => boolean): readonly Branch[]
}

/** Returns the tree. A process is below its supervisor, else below what started it, else below its host. */
export function branchesOf(
  services: readonly ObservedService[],
  processes: readonly Process[],
  changes: readonly Change[],
): Branches {
  const root: Item = { id: '', label: '', below: [] }
  const items = new Map<string, Item>()
  for (const service of services.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const item: Item = { id: service.id, label: service.id, service, below: [] }
    items.set(service.id, item)
    root.below.push(item)
  }
  for (const process of processes) {
    const { pid, names } = process
    const own = names.join(' ')
    items.set(pid, { id: pid, label: own === '' ? pid : `${pid} ${own}`, process, below: [] })
  }
  for (const process of processes) {
    const item = items.get(process.pid)
    if (item !== undefined) (ownerOf(process, items) ?? root).below.push(item)
  }
  const failures = new Map<string, number>()
  for (const { id, error, state } of changes)
    if (error !== undefined && state === 'Failed') failures.set(id, (failures.get(id) ?? 0) + 1)
  const tree = hierarchy(root, ({ below }) => below)
  const branches = new Map<HierarchyNode<Item>, Branch>()
  tree.sum(({ process }) => process?.mailbox ?? 0)
  const mailboxes = new Map(tree.descendants().map((node) => [node, node.value ?? 0]))
  tree.sum(({ process }) => (process ? 1 : 0))
  tree.each((node) => {
    const { id, label, service, process } = node.data
    branches.set(node, {
      id,
      label,
      service,
      process,
      depth: node.depth - 1,
      children: (node.children ?? []).map(({ data }) => data.id),
      size: node.value ?? 0,
      mailbox: mailboxes.get(node) ?? 0,
      failures: failures.get(id) ?? 0,
    })
  })
  return { visible: (isOpen, isShown) => visible(tree, branches, isOpen, isShown) }
}

function visible(
  tree: HierarchyNode<Item>,
  branches: ReadonlyMap<HierarchyNode<Item>, Branch>,
  isOpen: (branch: Branch) => boolean,
  isShown: ((branch: Branch) => boolean) | undefined,
): readonly Branch[] {
  const kept = isShown && new Set<HierarchyNode<Item>>()
  tree.each((node) => {
    const branch = branches.get(node)
    if (branch !== undefined && node.depth > 0 && isShown?.(branch) === true)
      for (const above of node.ancestors()) kept?.add(above)
  })
  const rows: Branch[] = []
  const waiting = (tree.children ?? []).toReversed()
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const branch = branches.get(node)
    if (branch === undefined || kept?.has(node) === false) continue
    rows.push(branch)
    if (kept !== undefined || isOpen(branch)) waiting.push(...(node.children ?? []).toReversed())
  }
  return rows
}

/** Whether something in a row needs attention. */
export function isTrouble({ service, process, failures }: Branch): boolean {
  return failures > 0 || service?.state === 'Failed' || process?.state === 'failed'
}

/** Supervised processes have the name of their service, or one that begins with that of their supervisor. */
function ownerOf({ names, parent, host, pid }: Process, items: ReadonlyMap<string, Item>): Item | undefined {
  for (const name of names) {
    const service = items.get(name) ?? items.get(name.split(/[/#]/, 1)[0] ?? '')
    if (service?.service !== undefined) return service
  }
  const above = parent === undefined || parent === pid ? undefined : items.get(parent)
  return above ?? (host === undefined ? undefined : items.get(host))
}
