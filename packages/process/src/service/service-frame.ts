/** The frame of the processes of a service. */
import { type Actor, emptyFrame, fork, type Frame, type OverlayChoice } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import type { Security } from '@troupe/policy/kernel'
import type { Lifecycle } from '@troupe/registry'

/** Returns the frame of the processes of a service. */
export function serviceFrame(policies: Security, { security }: Lifecycle, overlay: OverlayChoice): Frame {
  const { groups, policies: own } = security
  const actor: Actor | undefined = security.actor && newActor(security.actor.id, security.actor.meta)
  const isScoped = groups.length > 0 || own.length > 0
  const scope = isScoped
    ? new Scope([...own, ...groups.flatMap((group) => policies.namedScope(group).policies)]).policies
    : undefined
  return fork(emptyFrame, { overlay, actor, scope })
}
