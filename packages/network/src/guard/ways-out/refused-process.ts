/** Other programs, native code, and debuggers. */
import { property } from '../../sockets/internals.ts'
import { isTrustedAddon } from '../node/native-addons.ts'
import { isStartingProgram } from '../node/own-threads.ts'
import { isWholeProgram } from '../whole-program.ts'
import type { RefusedWay } from './way.ts'

const runElsewhere =
  'A child process opens what it likes: start it from a process or ' +
  'function that was given network: null, or use a library that does the ' +
  'work in this thread'
const noNativeCode =
  'Native code opens sockets that nothing can hold: do this in a ' +
  'process or function with network: null, or use a library in JavaScript'
const noNativeCodeInProgram = 'Native code opens sockets that nothing can hold: use a library in JavaScript'
const noInspector =
  'A debugger runs code in other threads and listens on a port: inspect the program from outside, with node --inspect'
const starters = 'exec execFile execFileSync execSync fork spawn spawnSync ChildProcess.prototype.spawn'
const inspectors = { advice: noInspector, names: 'open' } as const
/** Domains of the inspector's protocol that reach other threads, or fetch URLs themselves. */
const farReaching = {
  when: 'methods of the domains `NodeWorker` and `Target`, and `Network.loadNetworkResource`',
  test: ([method]: readonly unknown[]) =>
    typeof method === 'string' && /^(?:NodeWorker\.|Target\.|Network\.loadNetworkResource$)/.test(method),
}
/** Signal 10 on most systems, 30 on some; a Node program that receives it opens a debugger port. */
const opensDebugger = {
  when: 'the signal `SIGUSR1`',
  test: ([, signal]: readonly unknown[]) => signal === 'SIGUSR1' || signal === sigusr1(),
}

function sigusr1(): unknown {
  return Object.entries(process.getBuiltinModule('node:os').constants.signals).find(([name]) => name === 'SIGUSR1')?.[1]
}

/** All of TLS creates its contexts with this function, including servers and `tls.connect`. */
const engines = {
  names: 'createSecureContext',
  advice: 'Native code opens sockets that nothing can hold: give the key itself (key, cert) in place of an engine',
  only: {
    when: '`clientCertEngine` or `privateKeyEngine`',
    test: ([options]: readonly unknown[]) =>
      ['clientCertEngine', 'privateKeyEngine'].some((name) => typeof property(options, name) === 'string'),
  },
}

const internals = 'Internals of Node go past the guard: use the public modules'
/** Those that open nothing, for older libraries in whole programs; `spawn_sync` is guarded (`program/children/`). */
const harmlessInternals: ReadonlySet<unknown> = new Set(
  'buffer config constants http_parser icu natives os spawn_sync url util uv v8 zlib'.split(' '),
)

/** In a program that runs in an overlay as a whole, `program/children/` decides about each child. */
function mayStartPrograms(): boolean {
  return isStartingProgram() || isWholeProgram()
}

export const refusedInProcess: readonly RefusedWay[] = [
  { module: 'child_process', names: starters, advice: runElsewhere, own: mayStartPrograms },
  { module: 'cluster', names: 'fork', advice: runElsewhere, own: isWholeProgram },
  {
    module: 'process',
    names: 'execve',
    advice: runElsewhere,
    programAdvice: 'Use child_process.spawn, whose Node programs stay in the overlay',
  },
  {
    module: 'process',
    names: 'dlopen',
    advice:
      'Native code opens sockets that nothing can hold. Where the addon ' +
      'opens none, name its package in network_service.native; otherwise ' +
      'load it in a process or function with network: null',
    programAdvice:
      'Native code opens sockets that nothing can hold. Where the addon opens none, name its package: ' +
      'troupe exec --native PACKAGE',
    only: {
      when: 'addons of packages that `network_service.native` does not name',
      test: ([, file]) => !isTrustedAddon(file),
    },
  },
  {
    module: 'process',
    names: 'binding',
    advice: internals,
    own: ([name]) => isWholeProgram() && harmlessInternals.has(name),
  },
  { module: 'process', names: '_linkedBinding', advice: internals },
  { module: 'process', names: '_debugProcess', advice: noInspector },
  { module: 'process', names: 'kill _kill', advice: noInspector, only: opensDebugger },
  { module: 'inspector', names: 'Session.prototype.connectToMainThread', advice: noInspector },
  { module: 'inspector', ...inspectors },
  { module: 'inspector', names: 'Session.prototype.post', advice: noInspector, only: farReaching },
  { module: 'inspector/promises', ...inspectors },
  {
    module: 'inspector/promises',
    names: 'Session.prototype.post',
    advice: noInspector,
    only: farReaching,
    answer: 'reject',
  },
  { module: 'crypto', names: 'setEngine', advice: noNativeCode, programAdvice: noNativeCodeInProgram },
  { module: 'tls', ...engines },
  { module: '_tls_common', ...engines },
  {
    module: 'node:sqlite',
    names: 'DatabaseSync.prototype.loadExtension',
    advice: noNativeCode,
    programAdvice: noNativeCodeInProgram,
  },
  {
    module: 'node:sqlite',
    names: 'DatabaseSync.prototype.enableLoadExtension',
    advice: noNativeCode,
    programAdvice: noNativeCodeInProgram,
    only: { when: '`true`', test: ([allow]) => allow === true },
  },
  { module: 'node:ffi', names: 'dlopen DynamicLibrary', advice: noNativeCode, programAdvice: noNativeCodeInProgram },
]
