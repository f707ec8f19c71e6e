import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import { load } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { appFolder } from '../testing/app-folder.ts'

const repository = join(import.meta.dirname, '../../../..')

async function validators(): Promise<{ readonly entries: ValidateFunction; readonly config: ValidateFunction }> {
  using folder = appFolder({ 'src/_index.yaml': 'namespace: app\nentries: []\n' })
  expect(await folder.troupe('types')).toMatchObject({ status: 0 })
  const ajv = new Ajv({ allErrors: true, strict: true, strictRequired: false, strictTypes: false })
  const compile = (name: string) => ajv.compile(JSON.parse(folder.read(`.troupe/${name}.schema.json`)))
  return { entries: compile('entries'), config: compile('config') }
}

const faultsIn = (validate: ValidateFunction, text: string): readonly string[] =>
  validate(load(text))
    ? []
    : (validate.errors ?? []).map(({ instancePath, message, params }) => {
        const about: unknown = 'additionalProperty' in params ? params['additionalProperty'] : ''
        return `${instancePath}: ${message ?? ''} ${String(about)}`.trim()
      })

describe('the schemas of YAML files', () => {
  it('accept every example and fixture of this repository', async () => {
    const { entries, config } = await validators()
    const files = globSync(
      ['examples/**/*.yaml', 'packages/*/src/**/fixtures/**/*.yaml', 'scripts/**/*.yaml', 'test/**/*.yaml'],
      {
        cwd: repository,
        // Those of other programs, too.
        exclude: ['**/node_modules/**', '**/hostile/**', '**/corpus/**', 'examples/deploy/**', '**/compose.yaml'],
      },
    )
    expect(files.length).toBeGreaterThan(10)
    const faults = files.flatMap((file) => {
      const text = readFileSync(join(repository, file), 'utf8')
      const validate = file.endsWith('.troupe.yaml') ? config : entries
      return faultsIn(validate, text).map((fault) => `${file} ${fault}`)
    })
    expect(faults).toEqual([])
  })

  it.each([
    ['{ name: a, kind: process.ts, sorce: file://a.ts }', '/entries/0: must NOT have additional properties sorce'],
    ['{ name: a, kind: process.ts }', "/entries/0: must have required property 'source'"],
    [
      '{ name: a, kind: proces.ts, source: file://a.ts }',
      '/entries/0/kind: must be equal to one of the allowed values',
    ],
    ['{ name: a, kind: network.socks5, host: h, port: 0 }', '/entries/0/port: must be >= 1'],
    ['{ name: a, kind: network.socks5, host: h, port: "80" }', '/entries/0/port: must be integer'],
    ['{ kind: process.host }', "/entries/0: must have required property 'name'"],
    ['{ name: a, kind: process.host, host: { isolation: threads } }', '/entries/0/host/isolation: must be equal'],
    ['{ name: a, kind: process.service, process: p, host: h, lifecycle: { autoStart: true } }', 'properties autoStart'],
  ])('find what is wrong in %s', async (entry, expected) => {
    const { entries } = await validators()
    expect(faultsIn(entries, `namespace: app\nentries:\n  - ${entry}\n`).join('\n')).toContain(expected)
  })

  it('find what is wrong in a configuration, and accept placeholders', async () => {
    const { entries, config } = await validators()
    expect(faultsIn(config, 'log: { level: loud }').join('\n')).toContain('/log/level: must be equal')
    expect(faultsIn(config, 'logs: {}').join('\n')).toContain('must NOT have additional properties logs')
    expect(faultsIn(config, 'profiles: { ci: { log: { level: info } } }')).toEqual([])
    const port = 'namespace: app\nentries:\n  - { name: a, kind: network.socks5, host: h, port: "${env:PORT|80}" }\n'
    expect(faultsIn(entries, port)).toEqual([])
  })
})
