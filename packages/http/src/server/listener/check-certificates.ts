/** Finds certificates that clients would refuse, before a client connects. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readGivenFile, TroupeError } from '@troupe/core'
import { type Entry, positionOf, type Diagnostic, type Registry } from '@troupe/registry'
import { httpServiceKind } from '../../config/service-kind.ts'
import { isPem, type TlsFields } from './tls.ts'

/**
 * Returns the errors in the certificates of services: they cannot be read, have expired, or do not belong to their key.
 *
 * @example
 * ```ts
 * const { registry } = await load({ root: '.' })
 * for (const { message } of checkCertificates(registry)) console.error(message)
 * ```
 */
export function checkCertificates(registry: Registry, now = Date.now()): readonly Diagnostic[] {
  return registry.find({ kind: httpServiceKind.kind }).flatMap((entry) => {
    const tls = tlsOf(registry, entry)
    return tls === undefined || tls.mode === 'auto'
      ? []
      : faultsOf(tls, now).map(({ field, message }) => problem(entry, field, message))
  })
}

interface Fault {
  readonly field: 'cert' | 'key' | 'client_ca'
  readonly message: string
}

/** Errors in other fields are already reported elsewhere. */
function tlsOf(registry: Registry, { id }: Entry): TlsFields | undefined {
  try {
    return registry.decode(id, httpServiceKind).fields.tls
  } catch (error) {
    if (error instanceof TroupeError && error.kind === 'Invalid') return undefined
    throw error
  }
}

function faultsOf({ cert, key, clientCa }: TlsFields, now: number): readonly Fault[] {
  const own = read('cert', cert, (pem) => new X509Certificate(pem))
  const secret = read('key', key, (pem) => createPrivateKey(pem))
  const authority = read('client_ca', clientCa, (pem) => new X509Certificate(pem))
  const faults = [own, secret, authority].flatMap(({ fault }) => fault ?? [])
  if (own.value !== undefined) faults.push(...datesOf('cert', own.value, now))
  if (authority.value !== undefined) faults.push(...datesOf('client_ca', authority.value, now))
  if (own.value !== undefined && secret.value !== undefined && !own.value.checkPrivateKey(secret.value))
    faults.push({ field: 'key', message: 'it is not the key of the certificate' })
  return faults
}

function datesOf(
  field: Fault['field'],
  { validFromDate, validToDate, subject }: X509Certificate,
  now: number,
): readonly Fault[] {
  const name = subject.replaceAll('\n', ', ')
  if (validToDate.getTime() < now)
    return [{ field, message: `the certificate of ${name} expired on ${validToDate.toISOString()}` }]
  if (validFromDate.getTime() > now)
    return [{ field, message: `the certificate of ${name} is not valid before ${validFromDate.toISOString()}` }]
  return []
}

function read<T>(
  field: Fault['field'],
  pem: string | undefined,
  parse: (pem: string) => T,
): { readonly value?: T; readonly fault?: Fault } {
  if (pem === undefined) return {}
  try {
    return { value: parse(isPem(pem) ? pem : readGivenFile(pem).toString()) }
  } catch (error) {
    // A missing file is already reported elsewhere.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    const reason = error instanceof Error ? error.message : String(error)
    return { fault: { field, message: `it cannot be read as PEM: ${reason}` } }
  }
}

function problem(entry: Entry, field: Fault['field'], message: string): Diagnostic {
  const path = `tls.${field}`
  const place = positionOf(entry, ['tls', field])
  return { code: 'certificate', message: `${path}: ${message}`, entry: entry.id, path, ...(place && { place }) }
}
