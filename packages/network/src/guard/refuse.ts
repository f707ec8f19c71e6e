/**
 * Until every way out is carried by the overlay in force, those that are not are refused by name: plain sockets and what
 * stands on them (`fetch`, `node:http`, `node:tls`, database drivers), DNS, datagrams, child processes, threads.
 * Where the clear network is in force, nothing changes.
 */
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import workerThreads, { type WorkerOptions } from 'node:worker_threads'
import { refusal } from './in-force.ts'
import { takePermit } from './permit.ts'
import { type Answer, callBack, fail, refuseMethods, reject } from './wrap.ts'

const resolutions = [
  'lookup',
  'lookupService',
  'resolve',
  'resolve4',
  'resolve6',
  'resolveAny',
  'resolveCaa',
  'resolveCname',
  'resolveMx',
  'resolveNaptr',
  'resolveNs',
  'resolvePtr',
  'resolveSoa',
  'resolveSrv',
  'resolveTlsa',
  'resolveTxt',
  'reverse',
]
const starters = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync']

let installed = false

/**
 * Refuses, in this thread and from now on, what would leave an overlay that is in force. Call it before any user code: names
 * that a module imported earlier are covered too, captured references to the originals are not.
 *
 * What is refused fails the way its failures do: a socket by its `error` event, a callback or a promise by its error, the rest by
 * throwing. The error is a TroupeError of kind `PermissionDenied` whose `code` is `EOVERLAY`.
 */
export function installGuard(): void {
  if (installed) return
  installed = true
  refuseMethods(net.Socket.prototype, ['connect'], 'net.Socket.connect', destroySocket, isPermitted)
  refuseMethods(dgram.Socket.prototype, ['bind', 'connect', 'send'], 'dgram.Socket', fail)
  refuseMethods(dns, resolutions, 'dns', callBack)
  refuseMethods(dns.Resolver.prototype, resolutions, 'dns.Resolver', callBack)
  refuseMethods(dns.promises, resolutions, 'dns.promises', reject)
  refuseMethods(dns.promises.Resolver.prototype, resolutions, 'dns.promises.Resolver', reject)
  refuseMethods(childProcess, starters, 'child_process', fail)
  refuseMethods(childProcess.ChildProcess.prototype, ['spawn'], 'child_process.ChildProcess', fail)
  Reflect.set(workerThreads, 'Worker', Worker)
  syncBuiltinESMExports()
}

/** As a failed connection does; a socket that was closed before has no `error` event left. */
const destroySocket: Answer = (error, self, args) => {
  if (self instanceof net.Socket && !self.destroyed) return self.destroy(error)
  return fail(error, self, args)
}

function isPermitted(socket: unknown): boolean {
  return socket instanceof net.Socket && takePermit(socket)
}

/** A thread would start without a frame, and so in the clear. */
class Worker extends workerThreads.Worker {
  constructor(filename: string | URL, options?: WorkerOptions) {
    const error = refusal('new worker_threads.Worker')
    if (error) throw error
    super(filename, options)
  }
}
