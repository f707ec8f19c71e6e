/** The commands of the SAM protocol, line by line (SAM v3). */
import type { Bridge } from './route.ts'

/**
 * Returns the first line. Send it in one write: i2pd closes the connection when it arrives in pieces, and drops data
 * that follows before its reply. Only a login needs more than version 3.1, the highest version that i2pd supports.
 */
export function hello({ login }: Bridge): string {
  if (login === undefined) return 'HELLO VERSION MIN=3.0 MAX=3.1\n'
  return `HELLO VERSION MIN=3.0 MAX=3.2 USER="${login.username}" PASSWORD="${login.password}"\n`
}

export function generate(signatureType: number): string {
  return `DEST GENERATE SIGNATURE_TYPE=${signatureType}\n`
}

export interface SessionWish {
  readonly id: string
  readonly style: 'STREAM' | 'DATAGRAM'
  /** A private key; without one the router generates one. */
  readonly key: string | undefined
  readonly signatureType: number
  readonly options: Readonly<Record<string, string>>
  /** Where the router sends datagrams. */
  readonly forward?: { readonly host: string; readonly port: number }
}

export function createSession({ id, style, key, signatureType, options, forward }: SessionWish): string {
  const words = [`SESSION CREATE STYLE=${style} ID=${id} DESTINATION=${key ?? 'TRANSIENT'}`]
  // Without it the router makes keys of the oldest type.
  if (key === undefined) words.push(`SIGNATURE_TYPE=${signatureType}`)
  if (forward) words.push(`HOST=${forward.host} PORT=${forward.port}`)
  for (const [name, value] of Object.entries(options)) words.push(`${name}=${value}`)
  return `${words.join(' ')}\n`
}

export function connectTo(session: string, destination: string): string {
  return `STREAM CONNECT ID=${session} DESTINATION=${destination} SILENT=false\n`
}

export function forwardTo(session: string, host: string, port: number): string {
  return `STREAM FORWARD ID=${session} PORT=${port} HOST=${host} SILENT=false\n`
}
