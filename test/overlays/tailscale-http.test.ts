/** HTTP services in a tailnet, with certificates from the test's own ACME server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { httpListenerContract } from '../contract/http-listener.ts'
import { Tailnet } from '../peers/tailnet.ts'

httpListenerContract('network.tailscale', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-tailnet-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const tailnet = stack.use(await Tailnet.start())
  const { directory, root, tlsRoot } = tailnet.acme
  const trusted = join(folder, 'trusted.pem')
  await writeFile(trusted, tlsRoot)
  // The environment of the sidecar.
  Object.assign(process.env, {
    TS_DISABLE_PORTMAPPER: '1',
    TS_DEBUG_ACME_DIRECTORY_URL: directory,
    SSL_CERT_FILE: trusted,
  })
  const [key = '', other = ''] = await Promise.all([1, 2].map(async () => tailnet.key({ user: 'ann@tail.test' })))
  const node = (name: string, fields: object = {}) => ({
    id: `app:${name}`,
    kind: 'network.tailscale',
    control_url: tailnet.url,
    auth_key: key,
    state_dir: join(folder, name),
    ...fields,
  })
  const started = stack.move()
  return {
    listener: node('here'),
    visitor: node('there'),
    // The same node, with a change in its entry.
    changed: (times) => node('here', { auth_key: times % 2 === 0 ? key : other }),
    peer: {
      address: expect.stringMatching(/^100\.64\./),
      id: expect.any(String),
      node: 'there',
      user: 'ann@tail.test',
      tags: [],
    },
    actor: 'tailscale:user:ann@tail.test',
    tls: { ca: root },
    [Symbol.asyncDispose]: async () => started.disposeAsync(),
  }
})
