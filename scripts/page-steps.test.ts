import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { partsOf } from './page-steps.ts'

const root = resolve(import.meta.dirname, '..')

describe('the steps of a page', () => {
  it('are files and commands, with their output', () => {
    const page = [
      '# Title\n\n```console\n$ before any part\n```\n\n## One\n',
      '```console\n$ cd x\n$ curl y\nz\n```\n',
      '```ts\n// src/a.ts\na\n```\n',
      '```ts\nno file\n```\n',
    ].join('\n')
    expect(partsOf(page)).toEqual([
      {
        title: 'One',
        steps: [
          { command: 'cd x', output: '' },
          { command: 'curl y', output: 'z\n' },
          { file: 'src/a.ts', text: 'a\n' },
        ],
      },
    ])
  })

  it('of the first hour write the files of the examples', () => {
    const parts = partsOf(readFileSync(join(root, 'docs/first-hour.md'), 'utf8'))
    expect(parts).toHaveLength(3)
    for (const [index, example] of ['crawler', 'pipeline', 'embedded'].entries()) {
      const files = parts[index]?.steps.filter((step) => 'file' in step) ?? []
      expect(files.length).toBeGreaterThan(1)
      for (const { file, text } of files)
        expect(text, `${example}/${file}`).toBe(readFileSync(join(root, 'examples', example, file), 'utf8'))
    }
  })

  it('of a container is the Dockerfile of the example', () => {
    const [, shown] = /```dockerfile\n([^]*?)```/.exec(readFileSync(join(root, 'docs/cli.md'), 'utf8')) ?? []
    expect(shown).toBe(readFileSync(join(root, 'examples/docker/Dockerfile'), 'utf8'))
  })

  it.each(['sum', 'crawler'])(
    'of typed messages are part of the application that the types are tested with: %s',
    (name) => {
      const page = readFileSync(join(root, 'docs/processes.md'), 'utf8')
      const [, shown = '?'] = new RegExp(`\`\`\`ts\\n// src/${name}\\.ts\\n([^]*?)\`\`\``).exec(page) ?? []
      expect(readFileSync(join(root, 'scripts/fixtures/typed/src', `${name}.ts`), 'utf8')).toContain(shown)
    },
  )
})
