/** As whom a visitor of an overlay acts. */
import type { Actor } from '@troupe/core'
import type { Peer } from '@troupe/network'
import { newActor } from '@troupe/policy'

/**
 * What the actor is called says what it is: a node can be named like a user, and is not that user. Of whoever has tags the tailnet names no
 * user, and a name may come to belong to another node: `meta.id` is the node's for ever.
 */
export function peerActor({ user, node, address, id, tags = [] }: Peer): Actor {
  const meta = { address, tags, ...(node !== undefined && { node }), ...(user !== undefined && { user }), ...(id !== undefined && { id }) }
  return newActor(`tailscale:${nameOf({ user, node, address })}`, meta)
}

function nameOf({ user, node, address }: Pick<Peer, 'address'> & { readonly user: string | undefined; readonly node: string | undefined }) {
  if (user !== undefined && user !== '') return `user:${user}`
  return node === undefined || node === '' ? `address:${address}` : `node:${node}`
}
