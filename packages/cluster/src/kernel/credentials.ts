/** The files that the section `cluster` names, read by the kernel for the thread of the link. */
import { type ErrorDetails, invalid, readGivenFile, readPrivateFile, TroupeError } from '@troupe/core'
import type { LinkSettings } from '../settings.ts'

const seed = /^\s*S[A-Z2-7]{50,}\s*$/

/** @throws TroupeError `Invalid`, final, for a file that cannot be read, others can read, or contains neither. */
export function readLogin(file: string | undefined): LinkSettings['login'] {
  if (file === undefined) return { type: 'none' }
  const text = reading('cluster.credentials', file, () => readPrivateFile(file, true))
  if (seed.test(text)) return { type: 'seed', text }
  if (text.includes('BEGIN NATS USER JWT')) return { type: 'jwt', text }
  throw invalid(`cluster.credentials: ${file} contains neither the seed of an NKey nor a JWT with its seed`, { file })
}

/** @throws TroupeError `Invalid` for a file that cannot be read, or contains no certificate. */
export function readAuthorities(file: string): string {
  const text = reading('cluster.tls.ca', file, () => readGivenFile(file).toString())
  if (text.includes('BEGIN CERTIFICATE')) return text
  throw invalid(`cluster.tls.ca: ${file} contains no certificate in PEM`, { file })
}

function reading(field: string, file: string, read: () => string): string {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof TroupeError) throw cause
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    const details: ErrorDetails = { file }
    throw invalid(`${field}: ${file} cannot be read (${code})`, details)
  }
}
