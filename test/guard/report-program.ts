/**
 * Runs in a namespace, with an open connection: makes Node write reports, in a thread and for the whole program. The
 * argument is `guarded` or `unguarded`; prints how many were written. The program ends by an uncaught error, which also
 * writes a report if Node's flags request it.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { emptyFrame, entryId, fork, runInFrame } from '@troupe/core'
import { bindThreadNetwork, installGuard } from '@troupe/network'
import { proxyAddress, proxyPort } from './namespace.ts'

const overlay = entryId('app:proxy')
const mode = process.argv[2] ?? ''
// With the guard, code cannot start its own threads.
const thread = isMainThread ? new Worker(new URL(import.meta.url), { argv: [mode] }) : undefined
// As with the guard's own connections to a proxy: open, and to an address that only DNS could name.
const socket = connect(proxyPort, proxyAddress)
await once(socket, 'connect')
if (mode === 'guarded') {
  installGuard()
  bindThreadNetwork({ overlay })
}
const report = () => runInFrame(fork(emptyFrame, { overlay }), () => process.report.getReport())
report()
if (thread !== undefined) {
  thread.postMessage('report')
  await once(thread, 'message')
  // Of all threads.
  report()
  await thread.terminate()
  process.stdout.write('3 reports\n', () => {
    throw new Error('the end')
  })
} else {
  // The report waits for the main thread, which must stay alive until then.
  parentPort?.once('message', () => parentPort?.postMessage('reported'))
}
