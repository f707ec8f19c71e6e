import { expect, it } from 'vitest'
import { cutTo, fitTo, padTo, textWidth } from './text-width.ts'

it.each([
  ['abc', 3],
  ['', 0],
  ['注文処理', 8],
  ['한글', 4],
  ['ｆｕｌｌ', 8],
  ['half ｱ', 6],
  ['e\u0301te\u0301', 3],
  ['a\u200bb', 2],
  ['👍🏽', 2],
  ['👩‍👩‍👧', 2],
  ['🇯🇵', 2],
  ['☎', 1],
  ['☎️', 2],
  ['שלום', 4],
  ['\u{20000}', 2],
])('counts the cells of %j: %i', (text, cells) => {
  expect(textWidth(text)).toBe(cells)
})

it('cuts between characters, and fills what is left', () => {
  expect([cutTo('注文処理', 5), fitTo('注文処理', 5), padTo('注文', 6)]).toEqual(['注文', '注文 ', '注文  '])
  expect([cutTo('abc', 2), cutTo('abc', -1), fitTo('abc', 5)]).toEqual(['ab', '', 'abc  '])
  expect(cutTo('👩‍👩‍👧x', 1)).toBe('')
})
