import { describe, expect, it } from 'vitest'
import { newActor } from './actor.ts'
import { compileExpression } from './expression.ts'
import { checkMeta, maxMetaWeight } from './limits.ts'

const actor = newActor('ann', { role: 'editor', level: 3, tags: ['a', 'b'], team: { name: 'blue' } })
const answer = (source: string, meta = {}) => compileExpression(source)({ actor, action: 'file.read', resource: 'app:file', meta })

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

  it('see what was said alone, not what every object has', () => {
    expect(answer('has(actor.meta.constructor)')).toBe(false)
    expect(answer('has(meta.__proto__)')).toBe(false)
    expect(() => answer('meta.toString == 1')).toThrow(/No such key/)
  })

  it.each([
    ['', /Unexpected/],
    ['actor.id ==', /Unexpected/],
    ['action + 1 == 2', /no such overload|'\+'/],
    ['nobody == 1', /Unknown variable/],
    ['1', /answers int/],
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

  it('match in time that grows with the text alone', () => {
    expect(answer('meta.text.matches("(a+)+$")', { text: `${'a'.repeat(4000)}b` })).toBe(false)
  })

  it('look at so little that the longest of them ends soon', () => {
    // The worst that fits: as many lookups as the tree holds, in each turn of a macro, over as much data as a question may have.
    const body = Array.from({ length: 20 }, () => 'x in meta.l').join(' || ')
    const list = Array.from({ length: maxMetaWeight / 32 - 8 }, (_, index) => index)
    const meta = { l: list, m: list.map((each) => -1 - each) }
    expect(() => {
      checkMeta(meta, 'meta')
    }).not.toThrow()
    expect(answer(`meta.m.exists(x, ${body})`, meta)).toBe(false)
  })
})
