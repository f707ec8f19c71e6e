import { describe, expect, it } from 'vitest'
import { newActor } from '../actor.ts'
import { compileExpression } from './expression.ts'
import { beginDecision, TooCostly } from './budget.ts'
import { checkMeta, maxName } from '../limits.ts'
import { compilePattern } from './pattern.ts'

const actor = newActor('ann', { role: 'editor', level: 3, tags: ['a', 'b'], team: { name: 'blue' } })
const answer = (source: string, meta = {}) =>
  compileExpression(source)({ actor, action: 'file.read', resource: 'app:file', meta })

describe('expressions', () => {
  it.each([
    ['actor.id == "ann" && action == "file.read"', true],
    ['actor.meta.level >= 3 && actor.meta.level < 4.5', true],
    ['meta.owner == actor.id', true],
    ['"b" in actor.meta.tags', true],
    ['actor.meta.tags.exists(tag, tag == "c")', false],
    ['actor.meta.tags.filter(tag, tag != "a").size() == 1', true],
    ['has(meta.absent) ? false : actor.meta.team.name.startsWith("bl")', true],
    ['resource.matches("^app:[a-z]+$") && !resource.matches("x")', true],
    ['actor.meta.role . matches ( "^ed" )', true],
    ['meta["owner"] in ["ann", 1]', true],
  ])('%s: %s', (source, expected) => {
    expect(answer(source, { owner: 'ann' })).toBe(expected)
  })

  it('see given fields only, not those of Object.prototype', () => {
    expect(answer('has(actor.meta.constructor)')).toBe(false)
    expect(answer('has(meta.__proto__)')).toBe(false)
    expect(() => answer('meta.toString == 1')).toThrow(/No such key/)
  })

  it.each([
    ['', /Unexpected/],
    ['actor.id ==', /Unexpected/],
    ['action + 1 == 2', /no such overload|'\+'/],
    ['unknown == 1', /Unknown variable/],
    ['1', /returns int/],
    ['resource.matches(action)', /written out/],
    ['resource.matches("(")', /RE2/],
    ['resource.matches("(a)\\\\1")', /RE2/],
    ['resource // matches\n.matches("a+")', /leave that out|Unexpected|written out/],
    ['resource.re2Matches("a")', /re2Matches/],
    ['cel.bind(x, 1, x == 1)', /bind/],
    ['resource.split("").size() == 1', /split/],
    ['timestamp("2024-01-01T00:00:00Z").getHours() == 1', /getHours|timestamp/],
    ['actor.meta.tags.all(a, actor.meta.tags.all(b, a == b))', /inside or after/],
    ['actor.meta.tags.map(a, a).exists(b, b == "a")', /inside or after/],
  ])('%s is refused', (source, reason) => {
    expect(() => compileExpression(source)).toThrow(reason)
  })

  it.each([
    ['more than 4 macros', Array.from({ length: 5 }, () => 'actor.meta.tags.all(a, true)').join(' && ')],
    ['maxAstNodes', Array.from({ length: 200 }, () => 'true').join(' && ')],
    ['maxDepth', `${'('.repeat(60)}true${')'.repeat(60)}`],
    ['2048', `action == "${'x'.repeat(3000)}"`],
  ])('too large are refused: %s', (reason, source) => {
    expect(() => compileExpression(source)).toThrow(reason)
  })

  it('match in time that grows with the text only', () => {
    expect(answer('meta.text.matches("(a+)+$")', { text: `${'a'.repeat(4000)}b` })).toBe(false)
  })

  it.each([
    ['a list in a list of the same data', 'meta.m.exists(x, x in meta.l)', undefined],
    ['the same many times', `meta.m.exists(x, ${joined('x in meta.l', 20, ' || ')})`, 'costs'],
    [
      'lists and texts that are joined',
      `(${joined('meta.l', 15)}).exists(x, (${joined('resource', 20)} + x).contains("rrrb"))`,
      'costs',
    ],
    ['lists that are searched', `(${joined('meta.l', 15)}).exists(x, (x + "b") in (${joined('meta.l', 14)}))`, 'costs'],
    ['texts that are made', `(${joined('meta.l', 15)}).map(x, ${joined('resource', 10)} + x).size() == 1`, 'costs'],
    [
      'a long text sought in a long one',
      `(${joined('resource', 20)}).contains(${joined('resource', 9)} + "b" + ${joined('resource', 9)})`,
      'costs',
    ],
    ['an expression that follows many paths', 'resource.matches("[rq]*r[rq]{900}$")', 'costs'],
    ['the same behind an alternative', 'resource.matches("[rq]*r[rq]{900}$") || true', 'costs'],
  ])('limit %s', (_what, source, reason) => {
    const list = Array.from({ length: 200 }, () => '')
    const meta = { l: list, m: list.map(() => 'm') }
    checkMeta(meta, 'meta')
    const evaluate = compileExpression(source)
    const decide = () => evaluate({ actor, action: 'file.read', resource: 'r'.repeat(maxName), meta })
    beginDecision()
    if (reason === undefined) expect(decide()).toBe(false)
    else expect(decide).toThrow(TooCostly)
  })

  it('may be evaluated on little data if they are too costly for much', () => {
    beginDecision()
    const source = `meta.m.exists(x, ${joined('x in meta.l', 20, ' || ')})`
    expect(answer(source, { m: ['a', 'b'], l: ['b'] })).toBe(true)
  })

  it.each([
    ['(r?){500}r{500}b', /repeats too much/],
    ['(a{0,1000}b{0,1000}){1}'.repeat(50), /repeats too much/],
    ['(?:a|b|c|dd){1,700}'.repeat(2), /repeats too much/],
    ['a'.repeat(4097), /longer/],
  ])('do not compile large input: %s', (pattern, reason) => {
    expect(() => compilePattern(pattern)).toThrow(reason)
  })
})

function joined(part: string, count: number, by = ' + '): string {
  return Array.from({ length: count }, () => part).join(by)
}
