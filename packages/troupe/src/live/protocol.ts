/** What this package adds to the protocol between threads and the kernel: changes of the registry. */
import type { Change, Version } from '@troupe/registry'

declare module '@troupe/process/protocol' {
  interface Requests extends RegistryRequests {}
}

/** The requests of threads about changes of the registry, and their results. */
export interface RegistryRequests {
  apply: { ask: { readonly changes: readonly Change[] }; answer: { readonly version: number } }
  version: { ask: Record<string, never>; answer: { readonly version: number } }
  history: { ask: Record<string, never>; answer: readonly Version[] }
  rollback: { ask: { readonly version: number }; answer: { readonly version: number } }
}
