/** What the checks of `troupe doctor` work on. */
import type { Examined } from '@troupe/network/kernel'
import type { Decoded, Entry } from '@troupe/registry'
import type { Loaded, ReportedOverlay } from 'troupe/app'
import type { z } from 'zod'
import { decodedIfRight } from '../modules/program.ts'
import type { Found } from './finding.ts'
import type { System } from './system.ts'

/** An application that was read, whether it has problems or not. */
export interface Patient extends Loaded {
  readonly system: System
  /** Results of the overlays' own checks, by entry; shared by several checks. */
  readonly examined: () => Promise<ReadonlyMap<string, readonly Examined[]>>
  /** What a running application of this folder reports of its overlays. */
  readonly running: () => Promise<ReadonlyMap<string, ReportedOverlay>>
}

/** A check of the machine. */
export interface SystemCheck {
  readonly name: string
  readonly run: (system: System) => Promise<readonly Found[]>
}

/** A check of an application on its machine. */
export interface Check {
  readonly name: string
  readonly run: (patient: Patient) => Promise<readonly Found[]>
}

/** Returns the valid entries of a kind, with the fields that `schema` names. */
export function entriesOf<S extends z.ZodType>(
  { registry }: Patient,
  kind: string,
  schema: S,
): readonly { readonly entry: Entry; readonly decoded: Decoded; readonly fields: z.output<S> }[] {
  return registry.find({ kind }).flatMap((entry) => {
    const decoded = decodedIfRight(registry, entry.id)
    const fields = decoded && schema.safeParse(decoded.fields)
    return decoded && fields?.success === true ? [{ entry, decoded, fields: fields.data }] : []
  })
}
