/**
 * Runs in a namespace, with a connection that is open: has Node write reports, in a thread and for the whole program. `guarded` or
 * `unguarded` as its argument says; prints how many were written. The program ends by an error that nobody catches, which is worth a
 * report as well where Node's flags say so.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { emptyFrame, entryId, fork, runInFrame } from '@troupe/core'
import { bindThreadNetwork, installGuard } from '@troupe/network'
import { proxyAddress, proxyPort } from './namespace.ts'

const overlay = entryId('app:proxy')
const mode = process.argv[2] ?? ''
// Where the guard is, no thread could be started by hand.
const thread = isMainThread ? new Worker(new URL(import.meta.url), { argv: [mode] }) : undefined
// As the guard's own connections to a proxy are: open, and to an address that only DNS could name.
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
  // It waits for the main thread, and lives on while that reports.
  parentPort?.once('message', () => parentPort?.postMessage('reported'))
}
