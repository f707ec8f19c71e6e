import { expect, it } from 'vitest'
import { noApplication, noCaller, noteApplication } from './no-application.ts'

it('reports whether no application runs, it has stopped, or the caller is unknown', () => {
  expect(noApplication()).toMatchObject({ kind: 'Invalid', details: { reason: 'none' } })
  noteApplication(false)
  expect(noCaller()).toMatchObject({ details: { reason: 'none' } })
  noteApplication(true)
  expect(noCaller()).toMatchObject({
    message: expect.stringMatching(/async context is lost.*AsyncLocalStorage\.bind/) as unknown,
  })
  noteApplication(false)
  for (const error of [noApplication(), noCaller()]) expect(error).toMatchObject({ details: { reason: 'stopped' } })
  noteApplication(true)
  expect(noCaller()).toMatchObject({ details: { reason: 'lostContext' } })
})
