/** Opens the overlay in which a program is to run, and returns its route. */
import { entryId, type EntryId } from '@troupe/core'
import type { Route } from '@troupe/network'
import { randomBytes } from 'node:crypto'
import { UsageError } from '../usage-error.ts'
import type { ExecOptions } from './exec-options.ts'
import type { NetworkChoice, ProxyPlace } from './network-choice.ts'
import type { OpenOverlay, Say } from './overlay-parts.ts'

/** Only overlays with a state, and entries, load the part of Troupe that holds overlays. */
export async function openOverlay(choice: NetworkChoice, options: ExecOptions, say: Say): Promise<OpenOverlay> {
  const opened = await open(choice, options, say)
  if (!options.isolate) return opened
  const { route } = opened
  if (route.driver !== 'socks5')
    throw new UsageError(`--isolate: ${opened.id} is no SOCKS5 proxy, so it has no circuits`)
  const isolate = { by: 'process', form: 'login', seed: randomBytes(32).toString('hex') }
  return { ...opened, route: { ...route, config: { ...Object(route.config), isolate, optimistic: true } } }
}

async function open(choice: NetworkChoice, options: ExecOptions, say: Say): Promise<OpenOverlay> {
  switch (choice.type) {
    case 'socks5':
      return ofProxy(entryId(`exec:${choice.name}`), choice.proxy)
    case 'entry': {
      const { openEntry } = await import('./open-entry.ts')
      return openEntry(choice.id, options, say)
    }
    default: {
      const { openNode } = await import('./open-node.ts')
      return openNode(choice, say)
    }
  }
}

function ofProxy(id: EntryId, proxy: ProxyPlace): OpenOverlay {
  const route: Route = { overlay: id, generation: 1, driver: 'socks5', config: { proxies: [proxy] } }
  return { id, route, variables: [], [Symbol.asyncDispose]: async () => undefined }
}
