import fc from 'fast-check'
import { describe, it } from 'vitest'
import { heads, startTarget, survives } from '../../fuzz/http-heads.ts'

describe('a service', () => {
  it('answers or refuses any head, and continues', async () => {
    await using web = await startTarget()
    await web.fetch('/hello')
    await fc.assert(
      fc.asyncProperty(heads, async (bytes) => survives(web, bytes)),
      { numRuns: 300 },
    )
  })
})
