/** Where the dashboard of a running application is, with a token. */
import { notFound } from '@troupe/core'
import { readFile } from 'node:fs/promises'
import { attachFiles } from 'troupe/app'
import { z } from 'zod'
import { UsageError } from '../usage-error.ts'

const place = z.object({ url: z.string(), operator: z.string(), reader: z.string() })

/**
 * Returns the address with the token in its fragment, which browsers do not send; for a Unix socket the path and, on
 * another line, the token.
 *
 * @throws TroupeError `NotFound` where the application has no dashboard.
 * @throws UsageError
 */
export async function dashboardLink(stateDir: string, pid: number, operands: readonly string[]): Promise<string> {
  const [role = 'operator', more] = operands
  if ((role !== 'operator' && role !== 'reader') || more !== undefined)
    throw new UsageError('"troupe dashboard" takes nothing, or "reader" for a token that changes nothing')
  const text = await readFile(attachFiles(stateDir, pid).dashboard, 'utf8').catch((cause: unknown) => {
    throw notFound(
      `process ${pid} serves no dashboard: ` +
        'write "dashboard: { addr: 127.0.0.1:9465 }" into .troupe.yaml and restart it',
      { cause: String(cause) },
    )
  })
  const { url, [role]: token } = place.parse(JSON.parse(text))
  return url.startsWith('unix:') ? `${url}\n${token}` : `${url}#token=${token}`
}
