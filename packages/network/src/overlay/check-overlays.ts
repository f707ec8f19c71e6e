/** Checks of `troupe check` on overlays: finds entries that are valid alone but can never work together. */
import { type EntryId, TroupeError } from '@troupe/core'
import { positionOf, type Diagnostic, type Registry } from '@troupe/registry'
import type { OverlayKind } from './overlay-kind.ts'
import { overlayKinds } from './overlay-kinds.ts'

/**
 * Returns the settings of overlay entries that can never work together.
 *
 * @param stateDir - `network_service.state_dir`
 */
export function checkOverlays(registry: Registry, stateDir: string): readonly Diagnostic[] {
  const holders = new Map<string, EntryId>()
  return registry.find({ kind: 'network.*' }).flatMap(({ id, kind }) => {
    const found = overlayKinds.find((known) => known.kind.kind === kind)
    return found === undefined
      ? []
      : whereDecoded(() => [
          ...problemsOf(registry, id, found),
          ...doubleHold(registry, id, found, { stateDir, holders }),
        ])
  })
}

function problemsOf(registry: Registry, id: EntryId, kind: OverlayKind): readonly Diagnostic[] {
  return (kind.problems?.(registry, id) ?? []).map(({ path, message }) => problem(registry, id, path, message))
}

interface Holding {
  readonly stateDir: string
  readonly holders: Map<string, EntryId>
}

function doubleHold(
  registry: Registry,
  id: EntryId,
  kind: OverlayKind,
  { stateDir, holders }: Holding,
): readonly Diagnostic[] {
  const held = kind.held?.(registry, id, { stateDir })
  if (held === undefined) return []
  const other = holders.get(held.state)
  holders.set(held.state, other ?? id)
  if (other === undefined) return []
  return [
    problem(
      registry,
      id,
      held.path,
      `${held.state} is the state of ${other} already, and two overlays cannot run on the same: give each its own`,
    ),
  ]
}

/** An entry with invalid fields is reported elsewhere. */
function whereDecoded(find: () => readonly Diagnostic[]): readonly Diagnostic[] {
  try {
    return find()
  } catch (error) {
    if (error instanceof TroupeError) return []
    throw error
  }
}

function problem(registry: Registry, id: EntryId, path: string, message: string): Diagnostic {
  const place = positionOf(registry.get(id), [path])
  return { code: 'invalid-field', message: `${path}: ${message}`, entry: id, path, ...(place && { place }) }
}
