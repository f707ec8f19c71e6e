import { expect, it } from 'vitest'
import type { AttachOptions } from '../invocation.ts'
import type { Client } from './client.ts'
import { decisionText, followPolicies } from './follow-policies.ts'

const decision = { time: 0, verdict: 'deny', actor: 'ann', action: 'read', resource: 'a\nb', reason: 'no policy' }
const skipped = { time: 1500, skipped: { allow: 2, deny: 3 } }
const lines = [decision, skipped, decision, decision].map((line) => JSON.stringify(line))

function clientOf(): Client
function clientOf(): object {
  return {
    async *lines(_path: string, { aborted }: AbortSignal) {
      if (!aborted) yield* lines
    },
  }
}

function optionsOf(options: object): AttachOptions
function optionsOf(options: object): object {
  return { recording: {}, json: false, ...options }
}

async function printed(options: object, terminal: object = {}): Promise<readonly string[]> {
  const out: string[] = []
  const own = { out: (line: string) => void out.push(line), err: () => undefined, ...terminal }
  expect(await followPolicies(optionsOf(options), clientOf(), own)).toBe(0)
  return out
}

it('prints lines for people on a terminal, else the documents', async () => {
  expect(await printed({})).toEqual(lines)
  expect(await printed({ json: true }, { isTerminal: true })).toEqual(lines)
  expect((await printed({}, { isTerminal: true })).slice(0, 2)).toEqual([
    String.raw`00:00:00.000  deny   ann  read  a\nb  no policy`,
    '00:00:01.500  2 allowed and 3 denied, not shown',
  ])
})

it('ends with the given number of decisions, and when nothing reads the output', async () => {
  expect(await printed({ recording: { max: '2' } })).toEqual(lines.slice(0, 3))
  expect(await printed({}, { lost: AbortSignal.abort() })).toEqual([])
  await expect(printed({ recording: { max: '0' } })).rejects.toThrow('--max takes a number of decisions')
})

it('shows that there is no actor', () => {
  const { actor: _, ...rest } = decision
  expect(decisionText({ ...rest, verdict: 'deny', actor: undefined, policy: undefined })).toContain('(no actor)')
})
