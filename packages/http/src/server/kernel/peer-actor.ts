/** The actor of a peer on an overlay. */
import type { Actor } from '@troupe/core'
import type { Peer } from '@troupe/network'
import { newActor } from '@troupe/policy'

/**
 * The actor's id contains its kind, because a node can have the name of a user without being that user. The tailnet
 * names no user for a node with tags. A name may move to another node: `meta.id` belongs to the node permanently.
 */
export function peerActor({ user, node, address, id, tags = [] }: Peer): Actor {
  const meta = {
    address,
    tags,
    ...(node !== undefined && { node }),
    ...(user !== undefined && { user }),
    ...(id !== undefined && { id }),
  }
  return newActor(`tailscale:${nameOf({ user, node, address })}`, meta)
}

function nameOf({
  user,
  node,
  address,
}: Pick<Peer, 'address'> & { readonly user: string | undefined; readonly node: string | undefined }) {
  if (user !== undefined && user !== '') return `user:${user}`
  return node === undefined || node === '' ? `address:${address}` : `node:${node}`
}
