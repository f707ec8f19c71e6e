import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { compare, countViolations } from './check-style.ts'

function count(files: Readonly<Record<string, string>>) {
  using root = mkdtempDisposableSync(join(tmpdir(), 'style-'))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root.path, dirname(file)), { recursive: true })
    writeFileSync(join(root.path, file), text)
  }
  return countViolations(root.path)
}

it('counts long files, wide lines, and retired words, in names too', () => {
  const wide = 'word '.repeat(30)
  expect(
    count({
      'packages/core/src/long.ts': 'a()\n'.repeat(301),
      'packages/core/src/long.test.ts': 'a()\n'.repeat(301),
      'packages/core/src/wide.ts': `// ${wide}\nconst text = '${wide}'\n`,
      'packages/core/src/words.ts': 'let postOffice, theirShelf, shelf_life, shelfish, BondMarket\n// anew\n',
      'docs/a.md': `${wide}\n| ${wide} |\n\`\`\`\n${wide} anew\n\`\`\`\nanew\n`,
      'docs/decisions/0001.md': 'anew',
    }),
  ).toEqual({
    'lines: packages/core/src/long.ts': 301,
    'width: code': 1,
    'width: comments': 1,
    'width: pages': 1,
    'word: anew': 2,
    'word: bonds?': 1,
    'word: post-?[oO]ffice': 1,
    'word: shelf': 2,
  })
})

it('counts difficult words of comments and pages, and not of code', () => {
  expect(
    count({
      'packages/core/src/a.ts':
        "/**\n * It is for\n * ever. `says`\n */\nconst says = '// it says'\n  // It says so.\n",
      'packages/core/src/a.test.ts': '// It says so.\n',
      'README.md': 'It says `says` for\never.\n```\nsays\n```\n',
    }),
  ).toEqual({ 'prose: for ever': 2, 'prose: says': 2 })
})

it('counts exports of a package without documentation', () => {
  expect(
    count({
      'packages/core/src/index.ts':
        "export { a, b as c, type D } from './a.ts'\nexport * from './e.ts'\nexport const own = 1\n",
      'packages/core/src/a.ts': '/** Is one. */\nexport const a = 1\nexport function b() {}\nexport interface D {}\n',
      'packages/core/src/e.ts': '/**\n * Does nothing.\n */\nexport async function e() {}\n\nexport class F {}\n',
    }),
  ).toEqual({
    'undocumented: core: D (packages/core/src/a.ts)': 1,
    'undocumented: core: F (packages/core/src/e.ts)': 1,
    'undocumented: core: c (packages/core/src/a.ts)': 1,
    'undocumented: core: own (packages/core/src/index.ts)': 1,
  })
})

it('allows the budget, no more, and asks for a lower one', () => {
  expect(compare({ a: 2, b: 1, d: 1 }, { a: 1, b: 1, c: 1, d: 2 })).toEqual([
    'a: 2, and 1 may be',
    'c: 0, and 1 may be: run npm run style:budget',
    'd: 1, and 2 may be: run npm run style:budget',
  ])
})
