import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { installGuard } from '../../guard/install.ts'
import { a, b, inNetwork, type Lab, startLab } from '../../guard/testing/lab.ts'
import { accept } from './accept.ts'
import { TailnetListener } from './listener.ts'
import { tailscale } from './route.ts'

let lab: Lab

beforeAll(async () => {
  lab = await startLab()
  installGuard()
})
afterAll(async () => lab[Symbol.asyncDispose]())

it.each([
  { accepting: a, closing: null },
  { accepting: a, closing: b },
  { accepting: null, closing: a },
])(
  'ends the listener of a thread in $accepting when a thread in $closing closes it',
  async ({ accepting, closing }) => {
    const place = new TailnetListener(await mkdtemp(join(tmpdir(), 'troupe-place-')), { port: 80 })
    const listenGrant = {
      overlay: a,
      generation: 1,
      driver: tailscale,
      config: place.listenGrant,
      address: { host: 'here', port: 80 },
    }
    const listener = await inNetwork(accepting, async () => accept(listenGrant))
    await inNetwork(closing, async () => place.close('the overlay was closed'))
    const next = listener.connections[Symbol.asyncIterator]().next()
    await expect(next).rejects.toMatchObject({ kind: 'Unavailable', details: { overlay: a } })
    await expect(next).rejects.toThrow('the overlay was closed')
  },
)
