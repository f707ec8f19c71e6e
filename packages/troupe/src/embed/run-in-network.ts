/** Carries out `withNetwork`. */
import { type EntryId, invalid, isEntryId, isName } from '@troupe/core'
import { isApplicationThread } from '@troupe/process'
import type { Application } from '../app.ts'
import { callableModule, ignoreStopped, type InNetwork } from './module-functions.ts'
import { programId, reservedId } from './names.ts'
import { ownEntriesOf } from './own-entries.ts'
import { Secrets } from './secrets.ts'
import { SharedApplication } from './shared-application.ts'
import { networkEntry } from './start-entries.ts'
import type { NetworkOptions } from './start-options.ts'

/** The thread keeps the module's state: it stays until it is disposed of. A timer takes at most 24 days. */
const oneThread = { max: 1, idle_timeout: '500h' } as const

const shared = new SharedApplication()

/** Throws like `withNetwork`. */
export async function runInNetwork<Module>(network: NetworkOptions | null, module: URL): Promise<InNetwork<Module>> {
  if (isApplicationThread()) {
    throw invalid(
      'withNetwork: processes and functions of an application choose a network by its entry, with ' +
        'withOptions({ network })',
      { code: 'ENETWORK' },
    )
  }
  await using ends = new AsyncDisposableStack()
  const { application, release } = await shared.acquire(isNamed(network))
  ends.defer(release)
  const added = await networkOf(application, network)
  ends.defer(added.remove)
  const called = callableModule(ownEntriesOf(application), module, { ...oneThread, network: added.id })
  ends.defer(async () => called.dispose())
  const outcome = await called.start()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the type of the module has the same
  if ('value' in outcome) return outcome.value as InNetwork<Module>
  const kept = ends.move()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has no default function
  return called.functions<Module>(async () => kept.disposeAsync()) as InNetwork<Module>
}

interface AddedNetwork {
  readonly id: EntryId | null
  readonly remove: () => Promise<void>
}

/** Whether it is the name or id of a network, and not the network itself. */
function isNamed(network: unknown): network is string {
  return typeof network === 'string' && (isEntryId(network) || isName(network))
}

let number = 0

/** Returns the network of the application that is meant, or adds one. */
async function networkOf({ registry }: Application, network: unknown): Promise<AddedNetwork> {
  const nothing = async () => undefined
  if (network === null) return { id: null, remove: nothing }
  if (isNamed(network)) return { id: programId(network, 'withNetwork'), remove: nothing }
  number += 1
  const secrets = new Secrets(reservedId(`secrets_${number}`))
  const id = reservedId(`network_${number}`)
  const entry = networkEntry(network, 'withNetwork', id, secrets)
  const variables = secrets.entries()
  await registry.apply(variables.map((each) => ({ op: 'create', entry: each })))
  const entries = [...variables]
  const remove = async () => {
    await registry.apply(entries.map((each) => ({ op: 'delete', entry: { id: each.id } }))).catch(ignoreStopped)
  }
  try {
    for (const [name, value] of Object.entries(secrets.values)) registry.env.set(name, value)
    await registry.apply([{ op: 'create', entry }])
    entries.push(entry)
    return { id, remove }
  } catch (error) {
    await remove()
    throw error
  }
}
