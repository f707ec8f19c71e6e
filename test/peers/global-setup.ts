/**
 * Starts the real peers once for all tests, and ends them. A peer that does not start fails the run: no test is
 * skipped.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startGoSocks, startPythonSocks } from './built.ts'
import { startDante, throwAwayUser } from './dante.ts'
import { buildHeadscale } from './headscale.ts'
import { startI2p } from './i2pd.ts'
import { installPeers } from './install.ts'
import { address } from './loopback.ts'
import { startMicrosocks } from './microsocks.ts'
import { useLauncher } from './launcher.ts'
import { buildNats } from './nats.ts'
import { buildTailscale } from './tailscale-programs.ts'
import { Target } from './target.ts'
import { startTor } from './tor.ts'

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using stack = new AsyncDisposableStack()
  await installPeers()
  await buildTailscale()
  await buildHeadscale()
  await useLauncher()
  await buildNats()
  const folder = await mkdtemp(join(tmpdir(), 'troupe-peers-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const target = stack.use(await Target.start(address(53)))
  const login = stack.use(await throwAwayUser())

  const proxies = await Promise.all([
    startMicrosocks(folder, address(10)),
    startMicrosocks(folder, address(11), login),
    startDante(folder, address(12)),
    startDante(folder, address(13), login),
    startGoSocks(folder, address(14)),
    startGoSocks(folder, address(15), login),
    startPythonSocks(folder, address(16)),
  ])
  for (const { daemon } of proxies) stack.use(daemon)
  const [microsocks, microsocksLogin, dante, danteLogin, go, goLogin, python] = proxies

  const { http } = target.ports
  const network = {
    folder: join(folder, 'tor'),
    address,
    dns: target.dns,
    onionTarget: http,
    probePort: http,
    owner: process.pid,
  }
  const [tor, i2p] = await Promise.all([startTor(network), startI2p(join(folder, 'i2p'), address(17))])
  for (const daemon of tor.daemons) stack.use(daemon)
  stack.use(i2p)

  project.provide('peers', {
    target: target.ports,
    microsocks: microsocks.peer,
    microsocksLogin: microsocksLogin.peer,
    dante: dante.peer,
    danteLogin: danteLogin.peer,
    go: go.peer,
    goLogin: goLogin.peer,
    python: python.peer,
    tor: tor.peer,
    i2p: i2p.peer,
  })
  const started = stack.move()
  return async () => started.disposeAsync()
}
