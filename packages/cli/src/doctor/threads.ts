/** Counts the threads that an application may have at once, by its entries. */
import type { Entry } from '@troupe/registry'
import { z } from 'zod'
import { entriesOf, type Patient } from './context.ts'

/** The threads of one entry. */
export interface Threads {
  readonly entry: Entry
  /** The field that limits them. */
  readonly path: readonly string[]
  readonly most: number
  /** Whether the entry itself gives the number; otherwise it is that of the cores. */
  readonly isGiven: boolean
}

const host = z.object({
  host: z.object({ isolation: z.string(), workers: z.number().optional(), spares: z.number() }),
})
const pool = z.object({ pool: z.union([z.literal('inline'), z.object({ max: z.number().optional() })]) })
const service = z.object({ host: z.string() })

/** The threads of hosts, pools and servers of one network, when all of them are busy. */
export function threadsOf(patient: Patient): readonly Threads[] {
  const { cores } = patient.system
  const isolations = new Map<string, string>()
  const hosts = entriesOf(patient, 'process.host', host).map(({ entry, fields }) => {
    const { isolation, workers, spares } = fields.host
    isolations.set(entry.id, isolation)
    const isShared = isolation === 'shared'
    const most = isShared ? (workers ?? cores) : spares
    return { entry, path: ['host', isShared ? 'workers' : 'spares'], most, isGiven: workers !== undefined || !isShared }
  })
  const pools = entriesOf(patient, 'function.ts', pool).flatMap(({ entry, fields }) =>
    fields.pool === 'inline'
      ? []
      : [{ entry, path: ['pool', 'max'], most: fields.pool.max ?? cores, isGiven: fields.pool.max !== undefined }],
  )
  const services = entriesOf(patient, 'process.service', service).flatMap(({ entry, fields }) =>
    isolations.get(fields.host) === 'shared' ? [] : [{ entry, path: ['host'], most: 1, isGiven: true }],
  )
  const servers = patient.registry
    .find({ kind: 'http.service' })
    .map((entry) => ({ entry, path: ['addr'], most: 1, isGiven: true }))
  return [...hosts, ...pools, ...services, ...servers].filter(({ most }) => most > 0)
}
