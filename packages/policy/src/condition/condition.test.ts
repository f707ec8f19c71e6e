import { describe, expect, it } from 'vitest'
import { newActor } from '../actor.ts'
import { type Condition, compileCondition, conditionSchema } from './condition.ts'

const actor = newActor('ann', {
  role: 'editor',
  level: 3,
  tags: ['a', 'b'],
  team: { name: 'blue', lead: null },
  banned: false,
})
const holds = (condition: Condition, meta = {}) =>
  compileCondition(condition)(actor, 'file.read', 'app:file', { owner: 'ann', ...meta })

describe('conditions', () => {
  it.each<[Condition, boolean]>([
    [{ field: 'actor.id', operator: 'eq', value: 'ann' }, true],
    [{ field: 'action', operator: 'eq', value: 'file.write' }, false],
    [{ field: 'resource', operator: 'ne', value: 'app:other' }, true],
    [{ field: 'actor.meta.team.name', operator: 'eq', value: 'blue' }, true],
    [{ field: 'actor.meta.tags', operator: 'eq', value: ['a', 'b'] }, true],
    [{ field: 'actor.meta.level', operator: 'eq', value: '3' }, false],
    [{ field: 'actor.meta.level', operator: 'gt', value: 2 }, true],
    [{ field: 'actor.meta.level', operator: 'gte', value: 3 }, true],
    [{ field: 'actor.meta.level', operator: 'lt', value: 3 }, false],
    [{ field: 'actor.meta.level', operator: 'lte', value: 3 }, true],
    [{ field: 'actor.meta.level', operator: 'lt', value: '9' }, false],
    [{ field: 'actor.meta.role', operator: 'lt', value: 'writer' }, true],
    [{ field: 'actor.meta.absent', operator: 'lte', value: 9 }, false],
    [{ field: 'actor.meta.role', operator: 'in', value: ['editor', 'reader'] }, true],
    [{ field: 'actor.meta.role', operator: 'nin', value: ['reader'] }, true],
    [{ field: 'actor.meta.absent', operator: 'nin', value: ['reader'] }, true],
    [{ field: 'actor.meta.banned', operator: 'exists' }, true],
    [{ field: 'actor.meta.team.lead', operator: 'exists' }, false],
    [{ field: 'actor.meta.absent', operator: 'nexists' }, true],
    [{ field: 'actor.meta.tags', operator: 'contains', value: 'a' }, true],
    [{ field: 'actor.meta.role', operator: 'contains', value: 'edit' }, true],
    [{ field: 'actor.meta.tags', operator: 'ncontains', value: 'c' }, true],
    [{ field: 'resource', operator: 'matches', value: '^app:f[a-z]+$' }, true],
    [{ field: 'resource', operator: 'matches', value: 'il' }, true],
    [{ field: 'resource', operator: 'nmatches', value: '^other:' }, true],
    [{ field: 'actor.meta.level', operator: 'matches', value: '3' }, false],
    [{ field: 'meta.owner', operator: 'eq', valueFrom: 'actor.id' }, true],
    [{ field: 'actor.id', operator: 'in', valueFrom: 'meta.members' }, false],
  ])('%j: %s', (condition, expected) => {
    expect(conditionSchema.parse(condition)).toEqual(condition)
    expect(holds(condition)).toBe(expected)
  })

  it('treat two absent fields as different', () => {
    const condition: Condition = { field: 'meta.absent', operator: 'eq', valueFrom: 'actor.meta.absent' }
    expect([holds(condition), holds({ ...condition, operator: 'ne' })]).toEqual([false, true])
  })

  it('see given fields only, not those of Object.prototype', () => {
    expect(holds({ field: 'actor.meta.constructor.name', operator: 'exists' })).toBe(false)
    expect(holds({ field: 'meta.__proto__', operator: 'exists' })).toBe(false)
  })

  it('treat a missing actor as absent', () => {
    expect(compileCondition({ field: 'actor.id', operator: 'nexists' })(undefined, 'a', 'r', {})).toBe(true)
  })

  it('match in time that grows with the text only', () => {
    expect(
      holds({ field: 'meta.text', operator: 'matches', value: '(a+)+$' }, { text: `${'a'.repeat(10_000)}b` }),
    ).toBe(false)
  })

  it.each([
    [{ field: 'actor', operator: 'eq', value: 1 }, 'field'],
    [{ field: 'meta.a..b', operator: 'eq', value: 1 }, 'field'],
    [{ field: 'meta.', operator: 'eq', value: 1 }, 'field'],
    [{ field: 'action', operator: 'like', value: 1 }, 'operator'],
    [{ field: 'action', operator: 'eq' }, 'value'],
    [{ field: 'action', operator: 'eq', value: 1, valueFrom: 'resource' }, 'value'],
    [{ field: 'action', operator: 'eq', valueFrom: 'nowhere' }, 'valueFrom'],
    [{ field: 'action', operator: 'exists', value: true }, 'value'],
    [{ field: 'action', operator: 'in', value: 'x' }, 'value'],
    [{ field: 'action', operator: 'lt', value: true }, 'value'],
    [{ field: 'action', operator: 'matches', value: '(' }, 'value'],
    [{ field: 'action', operator: 'matches', value: '(a)\\1' }, 'value'],
    [{ field: 'action', operator: 'matches', value: 'a(?=b)' }, 'value'],
    [{ field: 'action', operator: 'matches', valueFrom: 'meta.pattern' }, 'value'],
  ])('%j is refused at %s', (condition, path) => {
    const { error } = conditionSchema.safeParse(condition)
    expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path])
  })
})
