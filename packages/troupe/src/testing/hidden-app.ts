/** An application with one of each sort of thing, and a program that asks the kernel about them. */
import { join } from 'node:path'
import { newActor } from '@troupe/policy'
import type { Requests } from '@troupe/process/protocol'
import { processes, security } from '../index.ts'
import type { WrittenEntry } from '../test/index.ts'

export const root = join(import.meta.dirname, 'hostile')
const lifecycle = { auto_start: true }
const program = (method: string): WrittenEntry => ({
  id: `app:${method}`,
  kind: 'process.ts',
  source: 'file://identity.ts',
  method,
})
export const entries: readonly WrittenEntry[] = [
  { id: 'app:host', kind: 'process.host', host: { spares: 0 }, lifecycle },
  { id: 'app:nothing', kind: 'security.policy', effect: 'deny', actions: '*', resources: '*' },
  { id: 'app:something', kind: 'security.policy', effect: 'allow', actions: 'a', resources: '*', groups: ['secret'] },
  { id: 'app:lists', kind: 'security.policy', effect: 'allow', actions: '*', resources: '*' },
  { id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9 },
  { id: 'app:tokens', kind: 'security.token_store', key: 'a key of more than thirty-two characters' },
  { id: 'app:bank', kind: 'function.ts', source: 'file://identity.ts', method: 'bank', pool: { min: 0, max: 1 } },
  {
    id: 'app:supervisor',
    kind: 'process.supervisor',
    host: 'app:host',
    children: [{ id: 'child', process: 'app:honest' }],
    lifecycle,
  },
  {
    id: 'app:parted',
    kind: 'process.supervisor',
    host: 'app:host',
    partitions: 1,
    children: [{ id: 'part', process: 'app:honest' }],
    lifecycle,
  },
  { id: 'app:other', kind: 'process.host', host: { spares: 0 }, lifecycle },
  { id: 'app:adds', kind: 'security.policy', effect: 'allow', actions: 'process.spawn', resources: 'app:honest' },
  { id: 'app:hosts', kind: 'security.policy', effect: 'allow', actions: 'process.host', resources: 'app:other' },
  {
    id: 'app:names',
    kind: 'security.policy',
    effect: 'allow',
    actions: 'process.registry.register',
    resources: 'app:supervisor/*',
  },
  { id: 'app:sends', kind: 'security.policy', effect: 'allow', actions: 'process.send', resources: '*' },
  {
    id: 'app:ends',
    kind: 'security.policy',
    effect: 'allow',
    actions: 'process.terminate',
    resources: 'app:supervisor/child',
  },
  {
    id: 'app:not_honest',
    kind: 'security.policy',
    effect: 'deny',
    actions: '*',
    resources: '*',
    conditions: [{ field: 'meta.entry', operator: 'eq', value: 'app:honest' }],
  },
  { id: 'app:reader', kind: 'security.policy', effect: 'allow', actions: 'registry.get', resources: 'app:something' },
  { id: 'app:gives', kind: 'security.policy', effect: 'allow', actions: 'funcs.security', resources: 'security' },
  { id: 'app:queue', kind: 'queue.queue' },
  { id: 'app:memory', kind: 'env.storage.memory' },
  { id: 'app:variable', kind: 'env.variable', storage: 'app:memory' },
  ...['honest', 'inquire'].map(program),
]

/** What a request says about the caller's frame. */
export const inherit = { overlay: undefined, values: {}, deadline: undefined, trace: undefined }
/** What is asked of policies. */
export const question = { action: 'document.read', resource: 'd', meta: {} }

/** What the kernel says to code of an actor with these policies, to each request. */
export async function said(scope: readonly string[], ...questions: readonly (readonly [keyof Requests, object])[]) {
  const answers: unknown = await processes
    .withActor(newActor('mallory'))
    .withScope(security.newScope(scope))
    .exec('app:inquire', 'app:host', questions)
  return Array.isArray(answers) ? answers.map(String) : []
}
