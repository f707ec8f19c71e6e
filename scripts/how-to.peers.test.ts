/** Follows the pages of `docs/how-to` that need a tailnet, a router of I2P, or the launcher. */
import { mkdtempDisposableSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { type Installed, Reader } from './page-reader.ts'
import { partsOf, type Step } from './page-steps.ts'
import { samPort, zeroHops } from '../test/peers/i2pd.ts'
import { Tailnet } from '../test/peers/tailnet.ts'

const repository = resolve(import.meta.dirname, '..')
const installed: Installed = {
  modules: join(repository, 'node_modules'),
  program: join(repository, 'packages/cli/src/troupe.ts'),
}
const canSeal = process.allowedNodeEnvironmentFlags.has('--allow-net')
const patience = { timeout: 600_000 }

/** The steps of a page, with `replace` applied to their texts. */
function stepsOf(name: string, replace: (text: string) => string): readonly Step[] {
  const page = readFileSync(join(repository, 'docs/how-to', `${name}.md`), 'utf8')
  return partsOf(page)
    .flatMap(({ steps }) => steps)
    .filter((step) => 'file' in step || !step.command.startsWith('export '))
    .map((step) =>
      'file' in step ? { ...step, text: replace(step.text) } : { ...step, command: replace(step.command) },
    )
}

describe('the page', () => {
  it('about a service in a tailnet can be followed', patience, async () => {
    await using tailnet = await Tailnet.start()
    using empty = mkdtempDisposableSync(join(tmpdir(), 'troupe-how-to-'))
    const env = {
      TS_AUTHKEY: await tailnet.key({ user: 'ann@tail.test' }),
      CONTROL_URL: tailnet.url,
      TS_DISABLE_PORTMAPPER: '1',
    }
    await using reader = new Reader(empty.path, installed, env)
    const here = `hostname=visitor&control_url=${encodeURIComponent(tailnet.url)}`
    const steps = stepsOf('tailnet-service', (text) => text.replace('hostname=visitor', here))
    const visited = steps.findIndex((step) => 'command' in step && step.command.includes('troupe exec')) + 1
    await reader.follow(steps.slice(0, visited))
    expect(reader.said).toContain('hello tailscale:user:ann@tail.test')
    await reader.follow(steps.slice(visited))
    expect(reader.said).toContain('app:only_ann')
  })

  it('about a site in I2P can be followed', patience, async () => {
    const { host, port } = inject('peers').i2p.sam
    using empty = mkdtempDisposableSync(join(tmpdir(), 'troupe-how-to-'))
    await using reader = new Reader(empty.path, installed, { SAM_HOST: host })
    // A network of one router has tunnels without hops.
    const options = `port: ${port}\n    options: ${JSON.stringify(zeroHops)}`
    const steps = stepsOf('i2p-site', (text) => text.replace(`port: ${samPort}`, options))
    await reader.follow(steps.slice(0, -1))
    const address = /(\w+)\.b32\.i2p/.exec(reader.log)?.[1] ?? ''
    const visit = steps.slice(-1)
    await reader.follow(
      visit.map((step) => ('command' in step ? { ...step, command: step.command.replace('ADDRESS', address) } : step)),
    )
    expect(reader.said).toBe('hello from I2P\n\n')
  })
})

const when = (possible: boolean) => (possible ? describe : noTests)

/** The list of tests shows what this Node supports. */
function noTests(): void {}

when(canSeal)('on a Node that can seal processes, the page', () => {
  it('about untrusted plugins can be followed', patience, async () => {
    using empty = mkdtempDisposableSync(join(tmpdir(), 'troupe-how-to-'))
    await using reader = new Reader(empty.path, installed, {})
    await reader.follow(stepsOf('plugins', (text) => text))
    expect(reader.said).toContain('loop ended')
  })
})
