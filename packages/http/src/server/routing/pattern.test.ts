import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { bySpecificity, honoPath, isPattern, joinPaths, shapeOf } from './pattern.ts'

describe('paths of routes', () => {
  it.each(['/', '/a', '/a/', '/a/{id}', '/{a}/{b}', '/a/{rest...}', '/a/*', '/%20'])('may be %s', (path) => {
    expect(isPattern(path)).toBe(true)
  })

  it.each([
    '',
    'a',
    '//',
    '/a//b',
    '/a?b',
    '/a#b',
    '/a b',
    '/{a',
    '/a}',
    '/x{a}',
    '/{a}/{a}',
    '/{a...}/b',
    '/*/b',
    '/a*',
    '/:a',
    '/{1}',
  ])('may not be %j', (path) => {
    expect(isPattern(path)).toBe(false)
  })

  it('are joined with a prefix', () => {
    expect([
      joinPaths('/', '/a'),
      joinPaths('/api', '/a'),
      joinPaths('/api/', '/a'),
      joinPaths('/api', '/'),
      joinPaths('/', '/'),
    ]).toEqual(['/a', '/api/a', '/api/a', '/api', '/'])
  })

  it('have a shape that does not depend on parameter names', () => {
    expect([shapeOf('/a/{b}/{c...}'), shapeOf('/a/*')]).toEqual(['/a/{}/{...}', '/a/{...}'])
  })

  it('are sorted by specificity', () => {
    const paths = ['/*', '/{a}', '/a/{b...}', '/a/{b}', '/a/b', '/a']
    const sorted = paths.map((path) => ({ method: 'GET', path })).toSorted(bySpecificity)
    expect(sorted.map(({ path }) => path)).toEqual(['/a', '/a/b', '/a/{b}', '/a/{b...}', '/{a}', '/*'])
    expect(
      [
        { method: '*', path: '/a' },
        { method: 'GET', path: '/a' },
      ].toSorted(bySpecificity)[0]?.method,
    ).toBe('GET')
  })

  it('mean the same to hono', async () => {
    const paramsOf = async (pattern: string, path: string) => {
      const router = new Hono()
      router.on('GET', [honoPath(pattern)], ({ req }) => Response.json(req.param()))
      const response = await router.request(path)
      return response.status === 200 ? response.json() : response.status
    }
    expect(await paramsOf('/a/{b}', '/a/x%2Fy')).toEqual({ b: 'x/y' })
    expect(await paramsOf('/a/{b}', '/a/')).toBe(404)
    expect(await paramsOf('/a/{b...}', '/a/x/y')).toEqual({ b: 'x/y' })
    expect(await paramsOf('/a/{b...}', '/a/')).toEqual({ b: '' })
    expect(await paramsOf('/a/*', '/a/x')).toEqual({ '*': 'x' })
    expect(await paramsOf('/a/*', '/a')).toBe(404)
  })
})
