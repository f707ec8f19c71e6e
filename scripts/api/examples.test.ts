import { cpSync, mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Comment, ReflectionKind } from 'typedoc'
import { expect, it } from 'vitest'
import { compile } from './compile.ts'
import { examplesOf } from './examples.ts'
import { convert } from './pages.ts'

const repository = resolve(import.meta.dirname, '../..')

const converted = convert()

it('the defaults of parameters are in their descriptions, and no heading of the function or type', async () => {
  const { project } = await converted
  const kinds = [ReflectionKind.CallSignature, ReflectionKind.ConstructorSignature, ReflectionKind.TypeAlias]
  const whole = kinds.flatMap((kind) => project.getReflectionsByKind(kind))
  const detached = whole.filter(({ comment }) => comment?.getTag('@default') !== undefined)
  expect(detached.map((each) => each.getFullName())).toEqual([])
  const described = project
    .getReflectionsByKind(ReflectionKind.Parameter)
    .map(({ comment }) => Comment.combineDisplayParts(comment?.summary))
  expect(described.filter((text) => text.includes(' Default: '))).not.toEqual([])
})

it('the compiler accepts the examples of all public names', async () => {
  const { project } = await converted
  const examples = examplesOf(project)
  expect(examples.length).toBeGreaterThan(100)
  const cache = join(repository, '.cache')
  mkdirSync(cache, { recursive: true })
  // Inside the repository, so that the compiler finds the packages.
  using folder = mkdtempDisposableSync(join(cache, 'examples-'))
  cpSync(join(repository, 'scripts/fixtures/examples'), folder.path, { recursive: true })
  for (const [at, { module }] of examples.entries()) writeFileSync(join(folder.path, `${at}.ts`), module)
  // Those that declare the application of the whole program are programs of their own.
  const alone = examples.flatMap(({ code }, at) => (code.includes('declare module') ? [`${at}.ts`] : []))
  const others = { include: ['*.ts'], exclude: alone }
  const said = await Promise.all(
    [others, ...alone.map((file) => ({ files: [file] }))].map((files, at) => compile(folder.path, at, files)),
  )
  const faults = said
    .join('\n')
    .split('\n')
    .flatMap((line) => {
      const [, at = '', rest = ''] = /^(\d+)\.ts(.*)$/.exec(line) ?? []
      return at === '' ? [] : [`${examples[Number(at)]?.name ?? ''}${rest}`]
    })
  expect(faults).toEqual([])
})
