/** The services of the HTTP soak tests: one in clear text, one by TLS. */
import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { text } from 'node:stream/consumers'
import { entryId } from '@troupe/core'
import { type Application, boot } from 'troupe/app'
import { makeCertificates } from '../contract/certificates.ts'

export const serviceIds = ['soak:web', 'soak:secure'] as const

export interface Services extends AsyncDisposable {
  readonly app: Application
  /** Their ports. */
  readonly clear: number
  readonly secure: number
  readonly ca: string
  /** Bytes that the threads of both hold, after a garbage collection. */
  readonly memory: () => Promise<number>
}

export async function startServices(): Promise<Services> {
  const certificates = await makeCertificates()
  const { cert, key } = certificates.server
  Object.assign(process.env, { SOAK_CERT: cert, SOAK_KEY: key })
  const app = await boot({ root: new URL('./web', import.meta.url).pathname, onLog: () => undefined })
  // On a busy machine a service may need more than one attempt.
  for (const id of serviceIds) await app.start(entryId(id))
  const [clear, secure] = [app.address(entryId('soak:web')).port, app.address(entryId('soak:secure')).port]
  const { ca } = certificates
  return {
    app,
    clear,
    secure,
    ca,
    memory: async () => memory(clear, secure, ca),
    async [Symbol.asyncDispose]() {
      await app.stop()
      await certificates[Symbol.asyncDispose]()
    },
  }
}

async function memory(clear: number, secure: number, ca: string): Promise<number> {
  const plain = await fetch(`http://127.0.0.1:${clear}/inline?do=memory`)
  const asked = get(`https://localhost:${secure}/inline?do=memory`, { ca, agent: false })
  const answers: readonly unknown[] = await once(asked, 'response')
  const [response] = answers
  return Number(await plain.json()) + (response instanceof IncomingMessage ? Number(await text(response)) : Infinity)
}
