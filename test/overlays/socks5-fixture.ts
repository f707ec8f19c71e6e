/** Overlays of `network.socks5`, made of entries as in an application. */
import { type EntryId, entryId } from '@troupe/core'
import type { Overlay, Route } from '@troupe/network'
import { networkKinds, OverlayTable } from '@troupe/network/kernel'
import { Registry } from '@troupe/registry'

type Fields = Readonly<Record<string, unknown>>

/** The overlay `app:<name>` with these fields, in YAML's spelling. */
export async function socks5(name: string, fields: Fields): Promise<Overlay> {
  const id: EntryId = entryId(`app:${name}`)
  const registry = new Registry({ kinds: networkKinds })
  registry.add({ id, kind: 'network.socks5', fields })
  return new OverlayTable(registry).add(id)
}

/** Only its route. */
export async function socks5Route(name: string, fields: Fields): Promise<Route> {
  return (await socks5(name, fields)).route
}

/** The route, but to a proxy on another port of this machine. */
export function reroute(route: Route, port: number): Route {
  return { ...route, config: { ...Object(route.config), proxies: [{ host: '127.0.0.1', port }] } }
}
