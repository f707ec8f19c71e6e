/** The section `dashboard`: where the operator's web page is served. Nothing is served without it. */
import { z } from 'zod'

/** Matches an address with its port. */
export const address = /^(?:\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}$/i

/** Whether an address with a port leads to this machine alone. */
export function isLoopback(addr: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/.test(addr)
}

const unixPath = /^unix:./
/** The characters of 256 bits in base64url. */
const tokenLength = 43
const token = z.string().min(tokenLength, `expected a token of 256 bits, such as "openssl rand -hex 32" prints`)

/** The certificate of a server of the operator. */
export const pemFiles = z.strictObject({
  cert: z.string().min(1).describe('The file of the certificate, in PEM.'),
  key: z.string().min(1).describe('The file of its private key, in PEM.'),
})

export const dashboardSection = z
  .strictObject({
    addr: z
      .string()
      .refine(
        (addr) => address.test(addr) || unixPath.test(addr),
        'expected an address with a port, such as 127.0.0.1:9465, or unix:dashboard.sock',
      )
      .describe('Address of this machine, with its port: `127.0.0.1:9465`; or `unix:` and the path of a Unix socket.'),
    token: token
      .optional()
      .describe(
        "The operator's token. Required where the address is not a loopback address; otherwise made at each " +
          'start.',
      ),
    readerToken: token
      .optional()
      .describe('The token of those who may look, and change nothing. Default: made at each start.'),
    tls: pemFiles.optional().describe('Required where the address is not a loopback address: PEM files.'),
    hosts: z
      .array(z.string().min(1))
      .default([])
      .describe('Further names by which it is reached, in the `Host` header.'),
  })
  .refine(({ addr, token, tls }) => isLocal(addr) || (token !== undefined && tls !== undefined), {
    message: 'outside of this machine, the dashboard needs a token and tls: set both, or listen on 127.0.0.1',
    path: ['addr'],
  })
  .refine(({ token, readerToken }) => token === undefined || token !== readerToken, {
    message: 'the tokens of operators and readers are equal: set two different ones',
    path: ['readerToken'],
  })

type Section = z.output<typeof dashboardSection>

function isLocal(addr: string): boolean {
  return isLoopback(addr) || unixPath.test(addr)
}

/** Returns the section with absolute paths. @param resolved - Resolves the path of a field of the section. */
export function withAbsolutePaths(
  section: Section,
  resolved: (path: readonly string[], value: string) => string,
): Section {
  const { addr, tls } = section
  return {
    ...section,
    ...(unixPath.test(addr) && { addr: `unix:${resolved(['addr'], addr.slice('unix:'.length))}` }),
    ...(tls && { tls: { cert: resolved(['tls', 'cert'], tls.cert), key: resolved(['tls', 'key'], tls.key) } }),
  }
}
