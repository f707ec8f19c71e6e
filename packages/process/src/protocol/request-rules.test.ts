import { expect, it } from 'vitest'
import { faultIn, kernelRequests } from './request-rules.ts'
import { isSearched } from './validators.ts'

const known = new Map(Object.entries(kernelRequests).map(([name, rule]) => [name, { rule }]))
const request = (name: string, ask: object) => ({ type: 'request', number: 1, by: '<1.1>', name, ask })

it('each rule names who may ask', () => {
  for (const [name, { by }] of Object.entries(kernelRequests)) expect([name, by.length > 0]).toEqual([name, true])
})

it('a request of a name that has no rule is a breach', () => {
  expect(faultIn(request('lookup', { name: 'x' }), known)).toBeUndefined()
  expect(faultIn(request('everything', {}), known)).toContain('wrong at "name"')
  expect(faultIn(request('lookup', { name: 'x' }), new Map())).toContain('wrong at "name"')
})

it('requests that may hold any value, or a long text, are searched, and only those', () => {
  const searched = Object.entries(kernelRequests).filter(([, { ask }]) => isSearched(ask))
  expect(searched.map(([name]) => name)).toEqual([
    'spawn',
    'permit',
    'can',
    'evaluate',
    'dial',
    'entries',
    'startChild',
    'log',
    'sendLater',
    'setEnv',
  ])
  const { port1, port2 } = new MessageChannel()
  expect(faultIn(request('log', { port1 }), known)).toContain('a handle')
  port1.close()
  port2.close()
})
