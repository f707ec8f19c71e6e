/** Certificates of a service. */
import { readGivenFile, TroupeError } from '@troupe/core'
import { createSecureContext } from 'node:tls'
import type { HttpServiceFields } from '../../config/service-kind.ts'

export type TlsFields = NonNullable<HttpServiceFields['tls']>

export interface Certificates {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

/** Returns the TLS options for client certificates. */
export function tlsOptions({ clientAuth }: TlsFields): {
  readonly requestCert: boolean
  readonly rejectUnauthorized: boolean
} {
  return { requestCert: clientAuth !== 'none', rejectUnauthorized: clientAuth === 'verify' }
}

/**
 * Reads the certificate, its key and the authorities for clients, from the sources in the fields.
 *
 * @throws TroupeError `Invalid` when they cannot be read, or do not belong together.
 */
export function readCertificates({ cert, key, clientCa }: TlsFields): Certificates {
  try {
    const read = { cert: textOf(cert), key: textOf(key), ...(clientCa !== undefined && { ca: textOf(clientCa) }) }
    createSecureContext(read)
    return read
  } catch (cause) {
    throw new TroupeError(
      'Invalid',
      `tls: the certificates cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        retryable: false,
      },
    )
  }
}

/** Returns the files that they are read from. */
export function certificateFiles({ cert, key, clientCa }: TlsFields): readonly string[] {
  return [cert, key, clientCa].filter((pem) => pem !== undefined && !isPem(pem)).filter((pem) => pem !== undefined)
}

function textOf(pem: string | undefined): string {
  if (pem === undefined) return ''
  return isPem(pem) ? pem : readGivenFile(pem).toString()
}

export function isPem(text: string): boolean {
  return text.startsWith('-----BEGIN ')
}
