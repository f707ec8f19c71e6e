import { describe, expect, it } from 'vitest'
import { userFrames } from './stack.ts'

describe('userFrames', () => {
  const own = import.meta.filename

  it('are those of the application, by their path in it', () => {
    const stack = [
      'RangeError: far',
      '    at walk (file:///app/src/road.ts:3:9)',
      '    at async Walker.go (file:///app/src/road.ts?v=2:12:5)',
      '    at file:///app/src/main.ts:1:1',
      '    at new Map (<anonymous>)',
      `    at run (file://${own}:5:5)`,
      '    at lib (/app/node_modules/lib/index.js:1:1)',
      '    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
      '    at outside (/elsewhere/x y.ts:1:2)',
    ].join('\n')
    expect(userFrames(stack, '/app')).toEqual([
      'walk (src/road.ts:3:9)',
      'Walker.go (src/road.ts:12:5)',
      'src/main.ts:1:1',
      'outside (/elsewhere/x y.ts:1:2)',
    ])
  })

  it.each(['/app/src/level.ts:1', 'file:///app/src/level.ts:1'])(
    'begin with the position of a syntax error: %s',
    (place) => {
      expect(
        userFrames(
          `${place}\nexport enum Level {}\n       ^^^^\n\nSyntaxError: no\n    at x (node:internal/a:1:1)`,
          '/app',
        ),
      ).toEqual(['src/level.ts:1'])
    },
  )

  it('do not include look-alikes in a message', () => {
    expect(userFrames('Error: a\nat /etc/passwd:1:1', '/app')).toEqual([])
    expect(userFrames('', '/app')).toEqual([])
  })
})
