/**
 * Runs in a namespace that a wire joins to the peer of an overlay: takes the wire down while a stream is open, and up
 * again. Prints the resulting state, dials, stream, and whether its listener was reached.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { entryId, sleep, TroupeError } from '@troupe/core'
import { dial } from '@troupe/network'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'
import { namespaces } from '../peers/install.ts'
import { greet, serveVisits, visitedFrom } from './visits.ts'

// No router of the machine is asked to forward ports.
process.env['TS_DISABLE_PORTMAPPER'] = '1'
const run = promisify(execFile)
const patience = 90_000
const [kind = '', text = '{}', host = '', port = '', stateDir = ''] = process.argv.slice(2)
const id = entryId('app:way')
const target = { host, port: Number(port) }

const registry = new Registry({ kinds: networkKinds })
registry.add({ id, kind, fields: given(text) })
await using overlays = new OverlayTable(registry, { stateDir })
const overlay = await overlays.add(id)
const { route } = overlay
await until(async () => (await echo()) === 'hello')
const place = overlay.capabilities.listen ? await serveVisits(overlay, 80) : undefined
await until(isReached)
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
await until(isReached)
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
  return greet(route, target).catch((error: unknown) =>
    error instanceof TroupeError ? `${error.kind} ${String(error.details['code'])} ${error.retryable}` : String(error),
  )
}

/** The far side reaches the listener here, at the address that it had from the start. */
async function isReached(): Promise<boolean> {
  return place === undefined || (await visitedFrom(route, target, place).catch(String)) === 'hello'
}

async function state() {
  overlays.get(id).doubt?.()
  return overlays.status(id)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + patience
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`not as it should be: state ${JSON.stringify(await state())}, heard ${heard}`)
    await sleep(100)
  }
}
