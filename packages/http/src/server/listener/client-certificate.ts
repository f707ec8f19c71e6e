/** The certificate that a client presented. */
import { TLSSocket } from 'node:tls'

export interface ClientCertificate {
  /** Common name. */
  readonly subject: string
  readonly issuer: string
  /** SHA-256 of the whole certificate, as hexadecimal pairs. */
  readonly fingerprint: string
  /** Whether an authority of `client_ca` signed it. */
  readonly verified: boolean
}

const known = new WeakMap<object, ClientCertificate | 'none'>()

/** Read once for each connection; undefined in the clear, or where none was requested or presented. */
export function clientCertificateOf(socket: unknown): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const found = known.get(socket) ?? read(socket) ?? 'none'
  known.set(socket, found)
  return found === 'none' ? undefined : found
}

function read(socket: TLSSocket): ClientCertificate | undefined {
  const { subject, issuer, fingerprint256 } = socket.getPeerCertificate()
  if (fingerprint256 === undefined) return undefined
  return { subject: nameOf(subject), issuer: nameOf(issuer), fingerprint: fingerprint256, verified: socket.authorized }
}

function nameOf(name: { readonly CN?: string | string[] | undefined } | undefined): string {
  return [name?.CN ?? ''].flat().join(', ')
}
