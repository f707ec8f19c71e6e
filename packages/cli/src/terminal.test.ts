import { expect, it } from 'vitest'
import { guarded } from './terminal.ts'

it('prints no control character, and the same JSON', () => {
  const printed: string[] = []
  const terminal = guarded({ out: (line) => printed.push(line), err: () => {} })
  const name = '\u001b]0;title\u0007 \u009b31m red \u202e \u007f \r\n\t "end"'
  terminal.out(JSON.stringify({ name }, undefined, 2))
  terminal.out(`NAME\n${name}`)
  const [json = '', table = ''] = printed
  expect(JSON.parse(json)).toEqual({ name })
  expect(`${json}${table}`.replaceAll('\n', '')).toMatch(/^[\u0020-\u007e]*$/)
  expect(table.split('\n')).toHaveLength(3)
})
