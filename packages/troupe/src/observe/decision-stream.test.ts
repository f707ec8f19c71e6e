import { emptyFrame, type EntryId, entryId, fork, type Frame } from '@troupe/core'
import { newActor } from '@troupe/policy'
import { type Policies, Security } from '@troupe/policy/kernel'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { decisionStream } from './decision-stream.ts'

const none: Policies = new Map()
const actor = newActor('ann')
const frame: Frame = fork(emptyFrame, { actor, scope: [] })
const missing: EntryId = entryId('p:gone')
const open = () => new Security({ policies: none, strictMode: false, log: () => undefined })
const secrets = () => new Set(['hunter22'])

interface Line {
  readonly resource?: string
  readonly skipped?: { readonly allow: number; readonly deny: number }
}

function linesOf(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

/** What the stream has until `isEnough`; ends the stream. */
async function read(stream: Readable, isEnough: (text: string) => boolean): Promise<string> {
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    if (isEnough(text)) break
  }
  return text
}

describe('the stream of decisions', () => {
  it('has one document a line, without secrets, and names that are cut', async () => {
    const security = open()
    const stream = decisionStream(security, secrets)
    security.decide(frame, 'read', 'a hunter22\nb')
    security.decide(fork(emptyFrame, { actor, scope: [missing] }), 'read', 'x'.repeat(4000))
    const [one, two] = linesOf(await read(stream, (text) => text.split('\n').length > 2))
    expect(one).toEqual({
      time: expect.any(Number) as number,
      actor: 'ann',
      action: 'read',
      resource: 'a [redacted]\nb',
      verdict: 'deny',
      reason: 'no policy of the scope allows it to ann',
    })
    expect(two).toMatchObject({ policy: 'p:gone', resource: `${'x'.repeat(1024)}…` })
  })

  it('shows a hundred a second, and then the number of the others', async () => {
    const security = open()
    const stream = decisionStream(security, secrets)
    for (let i = 0; i < 250; i += 1) security.decide(frame, 'read', `r${i}`)
    const lines = linesOf(await read(stream, (text) => text.includes('skipped')))
    expect(lines[0]).toMatchObject({ resource: 'r0' })
    expect(lines).toHaveLength(101)
    expect(lines[100]).toEqual({ time: expect.any(Number) as number, skipped: { allow: 0, deny: 150 } })
  })

  it('keeps a limited amount for a program that does not read', () => {
    const security = open()
    const stream = decisionStream(security, secrets)
    for (let i = 0; i < 5000; i += 1) security.decide(frame, 'read', 'x'.repeat(4000))
    expect(stream.readableLength).toBeLessThan(300_000)
    stream.destroy()
  })

  it('has up to eight readers; one that ends makes room', async () => {
    const security = open()
    const streams = Array.from({ length: 8 }, () => decisionStream(security, secrets))
    expect(() => decisionStream(security, secrets)).toThrow('8 programs already follow')
    const [first, ...others] = streams
    first?.destroy()
    if (first !== undefined) await once(first, 'close')
    others.push(decisionStream(security, secrets))
    for (const stream of others) stream.destroy()
  })
})
