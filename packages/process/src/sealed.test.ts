import { once } from 'node:events'
import net, { type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { entryId } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import { hostKind } from './config/kinds.ts'
import { canSeal, cannotSeal } from './worker-threads/sealed-flags.ts'
import { hostId, startKernel } from './testing/start-kernel.ts'
import { processes } from './api/processes.ts'

let stack = new DisposableStack()
let server: Server
let port = 0
/** A proxy that accepts connections and never replies. */
let silent = 0
const sockets = new Set<Socket>()

beforeEach(async () => {
  server = net.createServer((socket) => socket.on('error', () => {}).end('hello'))
  port = await listening(server)
  const quiet = net.createServer((socket) => sockets.add(socket.on('error', () => {})))
  silent = await listening(quiet)
  stack.defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
    quiet.close()
  })
})
afterEach(() => {
  stack.dispose()
  stack = new DisposableStack()
})

async function listening(listener: Server): Promise<number> {
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const address = listener.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const when = (possible: boolean) => (possible ? describe : noTests)

/** Registers no tests: the list of tests then shows what this Node can do. */
function noTests(): void {}

when(canSeal())('a process of a sealed host', () => {
  it('has no permission but to read files', async () => {
    await using kernel = await startKernel({ programs: ['sealed.permissions'], host: { network: 'sealed' } })
    expect(await kernel.exec('sealed.permissions')).toEqual([])
  })

  it('sees nothing of the environment of the program in a diagnostic report', async () => {
    await using kernel = await startKernel({ programs: ['sealed.reported'], host: { network: 'sealed' } })
    expect('environmentVariables' in process.report.getReport()).toBe(true)
    expect(await kernel.exec('sealed.reported')).toEqual({ excluded: true, shown: false })
  })

  it('changes no priority, nor the name of the program', async () => {
    {
      await using sealed = await startKernel({ programs: ['sealed.reach'], host: { network: 'sealed' } })
      expect(await sealed.exec('sealed.reach')).toEqual({
        ownPriority: 'PermissionDenied',
        parentPriority: 'PermissionDenied',
        title: 'PermissionDenied',
      })
    }
    await using guarded = await startKernel({ programs: ['sealed.reach'] })
    expect(await guarded.exec('sealed.reach')).toEqual({ ownPriority: 'done', parentPriority: 'done', title: 'done' })
  })

  it('is connected in the clear network by the kernel', async () => {
    await using kernel = await startKernel({ programs: ['sealed.visit'], host: { network: 'sealed' } })
    expect(await kernel.exec('sealed.visit', port)).toEqual({
      said: 'hello',
      remoteAddress: '127.0.0.1',
      remotePort: port,
      hasPort: true,
      events: ['connect', 'ready', 'end'],
    })
    expect(await kernel.exec('sealed.visit', port, 'localhost')).toMatchObject({ said: 'hello' })
  })

  it('is notified of a connection in the frame in which it was opened', async () => {
    await using kernel = await startKernel({ programs: ['sealed.context'], host: { network: 'sealed' } })
    expect(await kernel.exec('sealed.context', port)).toEqual(['mine', true])
  })

  it('gets the errors that a plain socket gets', async () => {
    await using kernel = await startKernel({ programs: ['sealed.fail'], host: { network: 'sealed' } })
    server.close()
    await once(server, 'close')
    expect(await kernel.exec('sealed.fail', port)).toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'connect',
      message: `connect ECONNREFUSED 127.0.0.1:${port}`,
    })
    expect(await kernel.exec('sealed.fail', port, 'absent.invalid')).toMatchObject({
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
    })
  })

  it('resolves names by the kernel, and by its own resolvers', async () => {
    await using kernel = await startKernel({
      programs: ['sealed.look', 'sealed.ownLookup'],
      host: { network: 'sealed' },
    })
    expect(await kernel.exec('sealed.look', 'localhost')).toContainEqual({ address: '127.0.0.1', family: 4 })
    expect(await kernel.exec('sealed.ownLookup', port)).toBe('hello')
  })

  it('works in threads that many processes share', async () => {
    await using kernel = await startKernel({
      programs: ['sealed.visit', 'sealed.permissions'],
      host: { network: 'sealed', isolation: 'shared', workers: 1 },
    })
    const visits = Array.from({ length: 5 }, async () => kernel.exec('sealed.visit', port))
    for (const visit of await Promise.all(visits)) expect(visit).toMatchObject({ said: 'hello' })
    expect(await kernel.exec('sealed.permissions')).toEqual([])
  })

  it('gets no permission by NODE_OPTIONS', async () => {
    const before = process.env['NODE_OPTIONS']
    process.env['NODE_OPTIONS'] = '--allow-net --allow-worker'
    try {
      await using kernel = await startKernel({ programs: ['sealed.permissions'], host: { network: 'sealed' } })
      expect(await kernel.exec('sealed.permissions')).toEqual([])
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS']
      else process.env['NODE_OPTIONS'] = before
    }
  })
})

when(canSeal())('a direct dial request to the kernel', () => {
  const overlay = 'net:proxy'
  const target = { host: '127.0.0.1', port: 9 }

  it('opens none through an overlay of another thread, nor in the clear network from within an overlay', async () => {
    await using kernel = await startKernel({
      programs: ['sealed.forge', 'sealed.routeOf'],
      overlays: [overlay, 'net:other'],
      pins: { 'sealed.forge': overlay, 'sealed.routeOf': overlay },
      host: { network: 'sealed' },
    })
    const connectRequests = ['net:other', null, overlay].map((id) => ({ overlay: id, target }))
    // Nothing listens at the address of the proxy of its own overlay.
    expect(await kernel.exec('sealed.forge', connectRequests)).toEqual([
      'PermissionDenied',
      'PermissionDenied',
      'Unavailable',
    ])
    expect(await kernel.exec('sealed.routeOf', overlay)).toEqual({
      overlay,
      generation: 1,
      driver: 'handed',
      config: undefined,
    })
  })

  it('opens none for a thread that may connect itself', async () => {
    await using kernel = await startKernel({ programs: ['sealed.forge'] })
    expect(await kernel.exec('sealed.forge', [{ overlay: null, target }])).toEqual(['PermissionDenied'])
  })

  it('refuses invalid dial requests', async () => {
    await using kernel = await startKernel({ programs: ['sealed.forge'], host: { network: 'sealed' } })
    const connectRequests = [
      undefined,
      { overlay: null },
      { overlay: 'nonsense', target },
      { overlay: null, target: { host: '', port: 9 } },
      { overlay: null, target: { host: '127.0.0.1', port: 70_000 } },
      { overlay: null, target: { path: '/run/docker.sock', port: 9, host: '127.0.0.1' } },
      { overlay: null, target, path: '/run/docker.sock' },
      { overlay: null, target, localAddress: 'eth0' },
      { overlay: null, target, fd: 3 },
    ]
    expect(await kernel.exec('sealed.forge', connectRequests)).toEqual(connectRequests.map(() => 'Invalid'))
    expect(await kernel.exec('sealed.forge', [{ overlay: null, target }], 'long')).toEqual(['Invalid'])
  })

  it('has a limited number in progress for a thread, and abandons those that are no longer awaited', async () => {
    await using kernel = await startKernel({
      programs: ['sealed.flood'],
      overlays: [overlay],
      pins: { 'sealed.flood': overlay },
      proxyPort: silent,
      host: { network: 'sealed' },
    })
    expect(await kernel.exec('sealed.flood', 600, overlay)).toEqual({
      first: 'RateLimited',
      kinds: { RateLimited: 600 - 512, Canceled: 512 },
    })
    expect(kernel.kernel.dials.pending).toBe(0)
  })

  it('abandons those of a thread that has ended', async () => {
    await using kernel = await startKernel({
      programs: ['sealed.hang'],
      overlays: [overlay],
      pins: { 'sealed.hang': overlay },
      proxyPort: silent,
      host: { network: 'sealed' },
    })
    const pid = await processes.spawn('app:sealed.hang', hostId)
    await expect.poll(() => kernel.kernel.dials.pending).toBe(1)
    await processes.terminate(pid)
    expect(kernel.kernel.dials.pending).toBe(0)
  })

  it('evaluates policies for the clear network', async () => {
    await using kernel = await startKernel({
      programs: ['sealed.forge', 'sealed.visit'],
      policies: {
        'app:some': { actions: ['process.*', 'socket.*'], resources: ['*'], effect: 'allow' },
        'app:not': { actions: ['socket.connect'], resources: ['localhost'], effect: 'deny' },
        'app:abroad': { actions: ['socket.private_ip'], resources: ['*'], effect: 'deny' },
      },
      host: { network: 'sealed' },
    })
    expect(kernel.kernel.dials.pending).toBe(0)
    const policyEnforced = processes.withActor(newActor('ann')).withScope(new Scope(['app:some', 'app:not']))
    expect(await policyEnforced.exec('app:sealed.visit', hostId, port)).toMatchObject({ said: 'hello' })
    expect(
      await policyEnforced.exec('app:sealed.forge', hostId, [{ overlay: null, target: { host: 'localhost', port } }]),
    ).toEqual(['PermissionDenied'])
    const abroad = processes.withActor(newActor('ann')).withScope(new Scope(['app:some', 'app:abroad']))
    await expect(abroad.exec('app:sealed.visit', hostId, port)).rejects.toMatchObject({ kind: 'PermissionDenied' })
    await expect(abroad.exec('app:sealed.visit', hostId, port, 'localhost')).rejects.toMatchObject({
      kind: 'PermissionDenied',
    })
  })

  it('starts, changes, stops and reads nothing on request that is not sealed', async () => {
    await using kernel = await startKernel({
      programs: ['sealed.breakOut', 'sealed.permissions'],
      overlays: [overlay],
      host: { network: 'sealed' },
    })
    const open = { isolation: 'thread', spares: 0, queueSize: 16, network: 'guarded' } as const
    kernel.kernel.hosts.add(kernel.kernel.hosts.create(entryId('app:open'), open))
    expect(await kernel.exec('sealed.breakOut')).toEqual({
      spawn: 'PermissionDenied',
      spawnSealed: 'done',
      setEnv: 'PermissionDenied',
      startChild: 'PermissionDenied',
      terminateChild: 'PermissionDenied',
      deleteChild: 'PermissionDenied',
      getEnv: 'PermissionDenied',
      entry: 'PermissionDenied',
      entries: 'PermissionDenied',
      bind: 'PermissionDenied',
    })
  })
})

when(!canSeal())('a sealed host on a Node that cannot seal', () => {
  it('is refused, with the reason', () => {
    expect(hostKind.fields.safeParse({ host: { network: 'sealed' } }).error?.issues).toMatchObject([
      { path: ['host', 'network'], message: cannotSeal },
    ])
  })
})
