import { existsSync } from 'node:fs'
import type { Job } from 'troupe'

/** Runs at least once for each order. An error means: again later, and in the end the dead-letter list. */
export async function ship({ id }: { readonly id: string }, job: Job): Promise<{ readonly shipped: string }> {
  const warehouse = process.env['WAREHOUSE']
  if (id.startsWith('far') && (warehouse === undefined || !existsSync(warehouse)))
    throw new Error(`the warehouse does not reply (attempt ${job.attempt})`)
  return { shipped: id }
}
