import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { emptyFrame, entryId, fork, type LogNote } from '@troupe/core'
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

describe('the audit trail', () => {
  it('reports each decision with its actor, policy and reason', () => {
    const security = new Security({ policies, strictMode: true, log: () => undefined })
    subscribe(decisionChannel, listen)
    security.decide(frame, 'read', 'x')
    security.decide(frame, 'drop', 'x')
    security.decide(frame, 'write', 'x')
    security.decide(emptyFrame, 'read', 'x')
    expect(events).toEqual([
      {
        actor: 'ann',
        action: 'read',
        resource: 'x',
        verdict: 'allow',
        policy: 'p:read',
        reason: 'the policy p:read allows it to ann',
      },
      {
        actor: 'ann',
        action: 'drop',
        resource: 'x',
        verdict: 'deny',
        policy: 'p:no',
        reason: 'the policy p:no denies it to ann',
      },
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

  it('calls those who follow, until they end', () => {
    const security = new Security({ policies, strictMode: true, log: () => undefined })
    const seen: unknown[] = []
    {
      using _ = security.follow(({ verdict, resource }) => seen.push([verdict, resource]))
      security.decide(frame, 'read', 'x')
      security.decide(frame, 'drop', 'y')
      // A hypothetical question is no decision.
      security.explain(frame.scope, frame.actor, 'read', 'z')
    }
    security.decide(frame, 'read', 'later')
    expect(seen).toEqual([
      ['allow', 'x'],
      ['deny', 'y'],
    ])
    expect(security.decisions.get(entryId('p:read'))).toEqual({ allowed: 2, denied: 0 })
  })

  it('logs denials, limited for each second, on one line each', () => {
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

  it('logs a denial as a warning, with the actor, the action, the resource and the policy', () => {
    const notes: (LogNote | undefined)[] = []
    const security = new Security({ policies, strictMode: false, log: (_, note) => notes.push(note) })
    security.decide(frame, 'drop', 'x')
    expect(notes).toEqual([{ level: 'warn', actor: 'ann', fields: { action: 'drop', resource: 'x', policy: 'p:no' } }])
  })

  it('reports the number of the others, also when nothing is denied after them', async () => {
    const lines: string[] = []
    const security = new Security({ policies, strictMode: false, log: (line) => lines.push(line) })
    for (let i = 0; i < 25; i += 1) security.decide(frame, 'drop', 'x')
    await expect.poll(() => lines.at(-1), { timeout: 120_000 }).toMatch(/^denied: \d+ more that are not shown$/)
  })

  it('of one actor does not hide that of another', () => {
    const lines: string[] = []
    const security = new Security({ policies, strictMode: false, log: (line) => lines.push(line), now: () => 0 })
    const named = (id: string) => fork(frame, { actor: newActor(id) })
    for (let i = 0; i < 25; i += 1) security.decide(named('noisy'), 'drop', 'x')
    security.decide(named('quiet'), 'drop', 'x')
    expect(lines.filter((line) => line.endsWith('denies it to quiet'))).toHaveLength(1)
    // However many actors there are.
    for (let i = 0; i < 500; i += 1) security.decide(named(`a${i}`), 'drop', 'x')
    expect(lines).toHaveLength(100)
  })
})
