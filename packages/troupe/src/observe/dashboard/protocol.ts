/** What the kernel's thread and the thread of the dashboard send each other. */
import { z } from 'zod'
import { operatorAction } from '../attach-files.ts'
import type { Observation, ObservedService } from '../observation.ts'
import type { Numbered } from './tail.ts'

/** What the bearer of a token may do: readers look, and change nothing. */
export type Role = 'operator' | 'reader'

/** What the thread gets at its start. */
export interface DashboardData {
  /** IP address and port, or the path of a Unix socket. */
  readonly at: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** The names of its address, in lower case and without a port. */
  readonly hosts: readonly string[]
  /** Further values of `Host`, in lower case, such as the name of a proxy in front of it. */
  readonly aliases: readonly string[]
  readonly tokens: Readonly<Record<Role, string>>
  readonly pid: number
}

/** From the kernel. */
export type ToDashboard =
  /** The kernel's event loop runs; at most once a second. */
  | {
      readonly type: 'tick'
      readonly services: readonly ObservedService[]
      /** Since the last one. */
      readonly changes: readonly (ObservedService & Numbered)[]
      readonly lines: readonly ({ readonly text: string } & Numbered)[]
    }
  | { readonly type: 'observed'; readonly observation: Observation }
  | { readonly type: 'reply'; readonly id: number; readonly status: number; readonly body: unknown }

/** The shape of what the thread sends. */
export const fromDashboard = z.discriminatedUnion('type', [
  /** `port` is 0 for a Unix socket. */
  z.strictObject({ type: z.literal('listening'), port: z.int().min(0) }),
  z.strictObject({ type: z.literal('failed'), reason: z.string() }),
  /** The server had an error, and continues. */
  z.strictObject({ type: z.literal('trouble'), reason: z.string() }),
  /** So many pages look. */
  z.strictObject({ type: z.literal('looking'), pages: z.int().min(0) }),
  z.strictObject({ type: z.literal('act'), id: z.int(), action: operatorAction }),
  z.strictObject({ type: z.literal('refused'), action: operatorAction }),
  /** The path and query of a request for a document. */
  z.strictObject({ type: z.literal('read'), id: z.int(), path: z.string() }),
])

export type FromDashboard = z.output<typeof fromDashboard>

/** Paths of documents that readers may ask for, beside the stream of events. */
export const documents: ReadonlySet<string> = new Set(['/registry/log', '/registry/diff', '/dead'])
