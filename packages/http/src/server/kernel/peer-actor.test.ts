import { expect, it } from 'vitest'
import { peerActor } from './peer-actor.ts'

it.each([
  ['a user', { user: 'ben', node: 'laptop' }, 'tailscale:user:ben'],
  ['a tagged node that is named like a user', { node: 'ben', tags: ['tag:web'] }, 'tailscale:node:ben'],
  ['an address that the tailnet does not know', {}, 'tailscale:address:100.64.0.7'],
  ['a node whose user has no name', { user: '', node: 'ben' }, 'tailscale:node:ben'],
])('%s acts only as itself', (_name, peer, actor) => {
  expect(peerActor({ address: '100.64.0.7', ...peer })).toMatchObject({ id: actor })
})

it('has all facts of the tailnet as meta, with the stable id', () => {
  const peer = { address: '100.64.0.7', node: 'ben', id: 'n123', tags: ['tag:web'] }
  expect(peerActor(peer).meta).toEqual(peer)
})
