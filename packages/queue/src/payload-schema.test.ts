import { describe, expect, it } from 'vitest'
import { payloadSchema } from './payload-schema.ts'

const isValid = (schema: Record<string, unknown>, payload: unknown) => payloadSchema(schema).safeParse(payload).success

describe('the JSON schema of payloads', () => {
  it.each([
    [{ type: 'object', required: ['n'] }, { n: 1 }, {}],
    [{ type: 'object', required: ['n'], properties: { m: { type: 'string' } } }, { n: 1 }, { m: 'a' }],
    [{ type: 'object', required: ['n'], additionalProperties: { type: 'number' } }, { n: 1 }, { n: 'a' }],
    [{ type: 'object', properties: { a: { type: 'object', required: ['b'] } } }, { a: { b: 1 } }, { a: {} }],
    [{ type: 'array', items: { type: 'object', required: ['b'] } }, [{ b: 1 }], [{}]],
    [{ anyOf: [{ type: 'object', required: ['b'] }, { type: 'string' }] }, 'a', {}],
    [{ enum: [1, 2] }, 2, 3],
  ])('%j accepts %j, and not %j', (schema, good, bad) => {
    expect([isValid(schema, good), isValid(schema, bad)]).toEqual([true, false])
  })

  it.each([
    [{ required: ['n'] }, '"required" needs a "type" beside it'],
    [{ type: 'object', properties: { a: { minimum: 3 } } }, '"properties.a.minimum" needs a "type" beside it'],
    [{ type: 'array', items: { pattern: '^a' } }, '"items.pattern" needs a "type" beside it'],
    [{ type: 'object', dependentRequired: { a: ['b'] } }, 'dependentRequired'],
  ])('%j is refused, because it would not be checked', (schema, words) => {
    expect(() => payloadSchema(schema)).toThrow(words)
  })

  it('may allow no further members', () => {
    const schema = { type: 'object', required: ['n'], properties: { n: {} }, additionalProperties: false }
    expect([isValid(schema, { n: 1 }), isValid(schema, { n: 1, m: 2 })]).toEqual([true, false])
  })
})
