/**
 * Runs in a namespace that a wire joins to the peer of an overlay: takes the wire down while a stream is open, and up
 * again. Prints the resulting state, dials and stream.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { entryId, sleep, TroupeError } from '@troupe/core'
import { dial } from '@troupe/network'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { namespaces } from '../peers/install.ts'

const run = promisify(execFile)
const patience = 90_000
const [kind = '', text = '{}', host = '', port = '', stateDir = ''] = process.argv.slice(2)
const id = entryId('app:way')
const target = { host, port: Number(port) }

const registry = new Registry({ kinds: networkKinds })
registry.add({ id, kind, fields: given(text) })
await using overlays = new OverlayTable(registry, { stateDir })
const { route } = await overlays.add(id)
await until(async () => (await echo()) === 'hello')
await until(async () => (await state())?.state === 'up')

const stream = await dial(route, target)
let heard = ''
stream.on('error', (error) => void (heard += ` ${error.message}`)).on('data', (chunk) => void (heard += String(chunk)))
stream.write('before')
await until(async () => heard === 'before')

await wire('down')
const failed = await echo()
await until(async () => (await state())?.state === 'down')
const down = await state()
stream.write(' and while')
await wire('up')
await until(async () => (await echo()) === 'hello')
await until(async () => (await state())?.state === 'up')
await until(async () => heard === 'before and while')
stream.destroy()
process.stdout.write(JSON.stringify({ failed, reason: down?.reason, heard }), () => process.exit())

function given(fields: string): Readonly<Record<string, unknown>>
function given(fields: string): unknown {
  const value: unknown = JSON.parse(fields)
  return value
}

async function wire(how: 'up' | 'down'): Promise<void> {
  await run(namespaces.ip.path, ['link', 'set', 'wire', how])
}

/** The reply to a hello; else the kind of the error and its code. */
async function echo(): Promise<string> {
  try {
    const socket = await dial(route, target, { timeout: 10_000 })
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    socket.on('error', reject).on('close', () => reject(new Error('closed')))
    socket.once('data', (chunk) => resolve(String(chunk))).write('hello')
    return await promise.finally(() => socket.destroy())
  } catch (error) {
    return error instanceof TroupeError ? `${error.kind} ${String(error.details['code'])} ${error.retryable}` : String(error)
  }
}

async function state() {
  overlays.get(id).doubt?.()
  return overlays.status(id)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not as it should be: state ${JSON.stringify(await state())}, heard ${heard}`)
    await sleep(100)
  }
}
