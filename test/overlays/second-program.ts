/**
 * A program that uses a resource which only one program may use at a time. It prints `held`, or the reason why not, and
 * continues until its input ends.
 */
import { join } from 'node:path'
import { asTroupeError, entryId } from '@troupe/core'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { openSqliteHistory, Registry } from '@troupe/registry'

type Fields = Readonly<Record<string, unknown>>

const [what = '', folder = '', fields = '{}'] = process.argv.slice(2)

const holds: Readonly<Record<string, () => Promise<unknown>>> = {
  history: async () => openSqliteHistory(join(folder, 'registry.db')),
  'network.i2p': async () => overlay(given(fields)),
  'network.tailscale': async () => overlay(given(fields)),
}

async function overlay(entry: Fields): Promise<unknown> {
  const id = entryId('app:state')
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id, kind: what, fields: entry })
  return new OverlayTable(registry, { stateDir: folder }).add(id)
}

function given(text: string): Fields
function given(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return value
}

try {
  await holds[what]?.()
  process.stdout.write('held\n')
} catch (error) {
  const { kind, message } = asTroupeError(error)
  process.stdout.write(`${kind}: ${message}\n`)
}
process.stdin.resume().once('end', () => process.exit(0))
