/** Compares the decider's decisions with a plain implementation of the rules. */
import { emptyFrame, entryId, fork } from '@troupe/core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { newActor } from './actor.ts'
import type { Condition } from './condition/condition.ts'
import { opinions } from './explain.ts'
import { Security } from './security.ts'
import { policySet, type SomeFields } from './testing/policies.ts'

type Facts = Readonly<Record<string, unknown>>
type Question = {
  readonly actor: { readonly id: string; readonly meta: Facts }
  action: string
  resource: string
  meta: Facts
}
/**
 * Each condition as a policy writes it, and in plain JavaScript; `undefined` where CEL fails because a key is absent.
 */
type Case<Written> = { readonly written: Written; readonly plain: (question: Question) => boolean | undefined }

const conditions: readonly Case<Condition>[] = [
  {
    written: { field: 'actor.meta.role', operator: 'eq', value: 'reader' },
    plain: ({ actor }) => actor.meta['role'] === 'reader',
  },
  {
    written: { field: 'actor.meta.role', operator: 'nin', value: ['reader', 'x'] },
    plain: ({ actor }) => actor.meta['role'] !== 'reader',
  },
  {
    written: { field: 'actor.meta.role', operator: 'in', value: ['editor', 'x'] },
    plain: ({ actor }) => actor.meta['role'] === 'editor',
  },
  { written: { field: 'resource', operator: 'eq', value: 'ab' }, plain: ({ resource }) => resource === 'ab' },
  {
    written: { field: 'resource', operator: 'matches', value: '^ab?' },
    plain: ({ resource }) => resource.startsWith('a'),
  },
  {
    written: { field: 'meta.size', operator: 'lte', value: 3 },
    plain: ({ meta }) => Number(meta['size'] ?? Number.NaN) <= 3,
  },
  {
    written: { field: 'resource', operator: 'matches', value: '^a.*b$' },
    plain: ({ resource }) => /^a.*b$/.test(resource),
  },
  {
    written: { field: 'meta.owner', operator: 'eq', valueFrom: 'actor.id' },
    plain: ({ actor, meta }) => meta['owner'] === actor.id,
  },
  { written: { field: 'meta.owner', operator: 'nexists' }, plain: ({ meta }) => meta['owner'] === undefined },
]

const lacking = (facts: Facts, key: string, test: (value: unknown) => boolean) =>
  key in facts ? test(facts[key]) : undefined
const expressions: readonly Case<string>[] = [
  {
    written: 'actor.meta.role == "reader"',
    plain: ({ actor }) => lacking(actor.meta, 'role', (role) => role === 'reader'),
  },
  { written: 'has(meta.size) && meta.size <= 3', plain: ({ meta }) => Number(meta['size'] ?? Number.NaN) <= 3 },
  {
    written: 'meta.size > 3 || resource == "ab"',
    plain: ({ meta, resource }) => resource === 'ab' || lacking(meta, 'size', (size) => Number(size) > 3),
  },
  {
    written: 'resource.matches("^a.*b$") && action.startsWith("a")',
    plain: ({ resource, action }) => /^a.*b$/.test(resource) && action.startsWith('a'),
  },
  {
    written: 'actor.meta.tags.exists(tag, tag == resource)',
    plain: ({ actor, resource }) =>
      lacking(actor.meta, 'tags', (tags) => Array.isArray(tags) && tags.includes(resource)),
  },
  {
    written: 'meta.owner in [actor.id, "none"]',
    plain: ({ actor, meta }) => lacking(meta, 'owner', (owner) => owner === actor.id || owner === 'none'),
  },
]

const word = fc.constantFrom('a', 'b', 'ab', 'b.a', 'a.b')
const patterns = fc.array(fc.constantFrom('*', 'a', 'ab', 'a*', '*b', 'a*b', 'b.*'), { minLength: 1, maxLength: 2 })
const about = {
  actions: patterns,
  resources: patterns,
  effect: fc.constantFrom<('allow' | 'deny')[]>('allow', 'allow', 'deny'),
}
const policy = fc.oneof(
  fc.record({
    ...about,
    tests: fc.array(fc.constantFrom(...conditions), { maxLength: 2 }),
    kind: fc.constant('conditions' as const),
  }),
  fc.record({
    ...about,
    tests: fc.constantFrom(...expressions).map((each) => [each]),
    kind: fc.constant('expression' as const),
  }),
)
type Drawn = typeof policy extends fc.Arbitrary<infer Value> ? Value : never

const facts = (keys: Record<string, fc.Arbitrary<unknown>>) => fc.record(keys, { requiredKeys: [] })
const question = fc.record({
  actor: fc.record({
    id: fc.constantFrom('ann', 'bob'),
    meta: facts({ role: fc.constantFrom('reader', 'editor'), tags: fc.array(word, { maxLength: 3 }) }),
  }),
  action: word,
  resource: word,
  meta: facts({ size: fc.integer({ min: 0, max: 6 }), owner: fc.constantFrom('ann', 'bob', 'none') }),
})

function compiled(list: readonly Drawn[]) {
  const fields = list.map(({ kind, tests, ...rest }): SomeFields => {
    if (kind === 'expression') return { ...rest, expression: tests[0]?.written ?? 'false' }
    return { ...rest, conditions: tests.map(({ written }) => written) }
  })
  return policySet(Object.fromEntries(fields.map((each, index) => [`p:n${index}`, each])))
}

function covers(globs: readonly string[], text: string): boolean {
  return globs.some((glob) => new RegExp(`^${glob.split('*').map(RegExp.escape).join('.*')}$`).test(text))
}

function speaks({ actions, resources, effect, tests }: Drawn, asked: Question): boolean {
  if (!covers(actions, asked.action) || !covers(resources, asked.resource)) return false
  return tests.every(({ plain }) => plain(asked) ?? effect === 'deny')
}

function verdict(list: readonly Drawn[], asked: Question) {
  const said = list.filter((each) => speaks(each, asked))
  if (said.some(({ effect }) => effect === 'deny')) return 'deny'
  return said.length > 0 ? 'allow' : 'undefined'
}

it('decides as a plain reading of the rules, and explains it', () => {
  fc.assert(
    fc.property(fc.array(policy, { maxLength: 6 }), question, fc.boolean(), (list, asked, strictMode) => {
      const policies = compiled(list)
      const scope = Array.from(policies.keys())
      const actor = newActor(asked.actor.id, asked.actor.meta)
      const security = new Security({ policies, strictMode, log: () => undefined })
      const { action, resource, meta } = asked
      const expected = verdict(list, asked)
      expect(security.evaluate(scope, actor, action, resource, meta)).toBe(expected)
      const decision = security.decide(fork(emptyFrame, { actor, scope }), action, resource, meta)
      expect(decision === 'allow').toBe(expected === 'allow')
      const said = opinions(scope, policies, actor, action, resource, meta)
      expect(said.map(({ says }) => says !== 'nothing')).toEqual(list.map((each) => speaks(each, asked)))
      if (expected === 'deny' && decision !== 'allow') {
        expect(said.filter(({ says }) => says === 'deny').map((each) => each.policy)).toContain(decision.policy)
      }
    }),
    { numRuns: 2000 },
  )
})

it('decides by the policies of the scope only', () => {
  fc.assert(
    fc.property(fc.array(policy, { minLength: 1, maxLength: 6 }), fc.nat(), question, (list, seed, asked) => {
      const policies = compiled(list)
      const chosen = list.filter((_, index) => ((seed >> index) & 1) === 1)
      const scope = list.flatMap((_, index) => (((seed >> index) & 1) === 1 ? [entryId(`p:n${index}`)] : []))
      const security = new Security({ policies, strictMode: false, log: () => undefined })
      const actor = newActor(asked.actor.id, asked.actor.meta)
      expect(security.evaluate(scope, actor, asked.action, asked.resource, asked.meta)).toBe(verdict(chosen, asked))
    }),
  )
})
