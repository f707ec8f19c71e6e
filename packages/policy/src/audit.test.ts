import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { emptyFrame, entryId, fork } from '@troupe/core'
import { afterEach, describe, expect, it } from 'vitest'
import { newActor } from './actor.ts'
import { decisionChannel } from './audit.ts'
import { Security } from './security.ts'
import { policySet } from './testing/policies.ts'

const policies = policySet({ 'p:read': { actions: ['read'] }, 'p:no': { actions: ['drop'], effect: 'deny' } })
const frame = fork(emptyFrame, { actor: newActor('ann'), scope: [entryId('p:read'), entryId('p:no')] })

const events: unknown[] = []
const listen = (event: unknown) => events.push(event)

afterEach(() => {
  unsubscribe(decisionChannel, listen)
  events.length = 0
})

describe('the trail of decisions', () => {
  it('tells each with its actor, policy and reason', () => {
    const security = new Security({ policies, strictMode: true, log: () => undefined })
    subscribe(decisionChannel, listen)
    security.decide(frame, 'read', 'x')
    security.decide(frame, 'drop', 'x')
    security.decide(frame, 'write', 'x')
    security.decide(emptyFrame, 'read', 'x')
    expect(events).toEqual([
      { actor: 'ann', action: 'read', resource: 'x', verdict: 'allow', policy: 'p:read', reason: 'the policy p:read allows it to ann' },
      { actor: 'ann', action: 'drop', resource: 'x', verdict: 'deny', policy: 'p:no', reason: 'the policy p:no denies it to ann' },
      {
        actor: 'ann',
        action: 'write',
        resource: 'x',
        verdict: 'deny',
        policy: undefined,
        reason: 'no policy of the scope allows it to ann',
      },
      {
        actor: undefined,
        action: 'read',
        resource: 'x',
        verdict: 'deny',
        policy: undefined,
        reason: 'there is no actor, and security.strict_mode is on',
      },
    ])
  })

  it('logs denials, so many in a second, on one line each', () => {
    const lines: string[] = []
    let time = 0
    const security = new Security({ policies, strictMode: false, log: (line) => lines.push(line), now: () => time })
    security.decide(frame, 'read', 'x')
    expect(lines).toEqual([])
    for (let i = 0; i < 25; i += 1) security.decide(frame, 'drop', `r${i}\nroot logged in`)
    expect(lines).toHaveLength(10)
    expect(lines[0]).toBe('denied: drop of r0\\nroot logged in: the policy p:no denies it to ann')
    time = 1000
    security.decide(frame, 'drop', 'x'.repeat(1000))
    expect(lines.slice(10)).toEqual([
      'denied: 15 more that are not shown',
      `denied: drop of ${'x'.repeat(200)}…: the policy p:no denies it to ann`,
    ])
  })
})
