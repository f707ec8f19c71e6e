/** The network of two machines for tests of `troupe exec`: servers and a SOCKS5 proxy on the far side. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Namespace } from '../guard/namespace.ts'
import { Daemon } from '../peers/daemon.ts'

/** Ends with `stack`. */
export async function startFarSide(
  stack: AsyncDisposableStack,
): Promise<{ readonly namespace: Namespace; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-exec-'))
  stack.defer(async () => rm(folder, { recursive: true, force: true }))
  const namespace = stack.use(await Namespace.start(folder, { names: ['web.test'] }))
  const [ip = '', ...args] = namespace.far
  const program = join(import.meta.dirname, 'programs/far-servers.ts')
  const options = {
    name: 'servers',
    program: ip,
    args: [...args, process.execPath, program],
    log: join(folder, 'far.log'),
  }
  await stack.use(new Daemon(options)).printed(/ready/)
  return { namespace, folder }
}
