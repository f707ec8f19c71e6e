import { describe, expect, it } from 'vitest'
import { configPosition, loadConfig } from './config.ts'
import { appFolder } from '../testing/app-folder.ts'

const strict = 'network_service:\n  state_dir: state\n  default_network: app:proxy\nsecurity: { strict_mode: true }\n'

describe('loadConfig', () => {
  it('has defaults without a file', async () => {
    using folder = appFolder({})
    expect(await loadConfig(folder.path)).toEqual({
      root: folder.path,
      files: [],
      process: { laterPath: folder.file('.troupe/later.db') },
      queue: { path: folder.file('.troupe/queues.db'), synchronous: 'full' },
      networkService: { stateDir: folder.file('.troupe/net'), drainTimeout: 30_000, native: [] },
      security: { strictMode: false },
      registry: {
        history: 'memory',
        historyLimit: 1_000,
        historyPath: expect.stringMatching(/\.troupe\/registry\.db$/) as string,
      },
      deadLetters: { payload: 0 },
      shutdown: { delay: 0, timeout: 30_000 },
      log: { level: 'info', format: 'auto', entries: {} },
    })
  })

  it('reads .troupe.yaml, and .wippy.yaml only when it is missing', async () => {
    using both = appFolder({ '.troupe.yaml': strict, '.wippy.yaml': 'log: { level: debug }\n' })
    const config = await loadConfig(both.path)
    expect(config).toMatchObject({
      files: [both.file('.troupe.yaml')],
      security: { strictMode: true },
      log: { level: 'info' },
    })
    expect(config.networkService).toMatchObject({ stateDir: both.file('state'), defaultNetwork: 'app:proxy' })
    expect(configPosition(config, ['network_service', 'default_network'])).toEqual({
      file: both.file('.troupe.yaml'),
      line: 3,
      column: 20,
    })
    using second = appFolder({ '.wippy.yaml': 'log: { level: debug }\n' })
    expect(await loadConfig(second.path)).toMatchObject({ log: { level: 'debug' } })
  })

  it.each(['.troupe.yaml', '.wippy.yaml'])('accepts a version in %s', async (name) => {
    using folder = appFolder({ [name]: 'version: "1.0"\nlog: { level: debug }\n' })
    expect(await loadConfig(folder.path)).toMatchObject({ log: { level: 'debug' } })
  })

  it('merges files from left to right, and settings over all', async () => {
    using folder = appFolder({
      'a.yaml': strict,
      'sub/b.yaml': 'network_service: { state_dir: other }\nlog: { level: warn, format: json }\n',
    })
    const config = await loadConfig(folder.path, {
      files: ['a.yaml', 'sub/b.yaml'],
      set: ['log.level=debug', 'shutdown.timeout=1m'],
    })
    expect(config).toMatchObject({
      networkService: {
        stateDir: folder.file('sub/other'),
        defaultNetwork: 'app:proxy',
        drainTimeout: 30_000,
        native: [],
      },
      security: { strictMode: true },
      shutdown: { timeout: 60_000 },
      log: { level: 'debug', format: 'json' },
    })
    const set = await loadConfig(folder.path, { files: ['sub/b.yaml'], set: ['network_service.state_dir=mine'] })
    expect(set.networkService.stateDir).toBe(folder.file('mine'))
  })

  it.each([
    [
      'an unknown section',
      'secruity: {}\n',
      [],
      'c.yaml:1:1: secruity: there is no such field; did you mean "security"?',
    ],
    ['an invalid version', 'version: []\n', [], 'c.yaml:1:10: version: expected text such as "1.0"'],
    [
      'an unknown key',
      'log:\n  levle: info\n',
      [],
      'c.yaml:2:3: log.levle: there is no such field; did you mean "level"?',
    ],
    [
      'a wrong type',
      'security:\n  strict_mode: 1\n',
      [],
      'c.yaml:2:16: security.strict_mode: expected boolean, received number',
    ],
    [
      'a relative default network',
      'network_service: { default_network: proxy }\n',
      [],
      'c.yaml:1:37: network_service.default_network: expected the id of an entry',
    ],
    ['YAML that does not parse', 'a: [\n', [], 'c.yaml:2:1: this is not YAML'],
    ['a list', '- a\n', [], 'c.yaml:1:1: expected sections'],
    ['two documents', 'log: {}\n---\nlog: {}\n', [], 'c.yaml:3:1: a config file holds one document'],
    ['a bad setting', '', ['log.level=loud'], '--set log.level:1:1: log.level: expected one of'],
    ['a setting without a value', '', ['log.level'], '"--set log.level" is not a setting'],
    [
      'a setting through a scalar',
      'log: { level: info }\n',
      ['log.level.x=1'],
      '--set log.level.x: it leads through a value that has no parts',
    ],
  ])('refuses %s', async (_, text, set, message) => {
    using folder = appFolder({ 'c.yaml': text })
    const config = loadConfig(folder.path, { files: ['c.yaml'], set })
    await expect(config).rejects.toThrow(message)
    await expect(config).rejects.toMatchObject({ kind: 'Invalid' })
  })

  it('reports all problems at once', async () => {
    using folder = appFolder({ 'c.yaml': 'log: { level: loud, format: xml }\nx: 1\n' })
    await expect(loadConfig(folder.path, { files: ['c.yaml'] })).rejects.toThrow(/^3 problems:/)
  })

  it('refuses a file that does not exist', async () => {
    using folder = appFolder({})
    await expect(loadConfig(folder.path, { files: ['none.yaml'] })).rejects.toMatchObject({ kind: 'NotFound' })
  })

  describe('profiles', () => {
    const text = `log: { level: info, format: json }
profiles:
  quiet: { log: { level: error } }
  dev: { log: { level: debug }, registry: { history: sqlite } }
`

    it('are merged over the rest if chosen, from left to right, below settings', async () => {
      using folder = appFolder({ '.troupe.yaml': text })
      const levels = [[], ['quiet'], ['quiet', 'dev']].map(
        async (profiles) => (await loadConfig(folder.path, { profiles })).log,
      )
      expect(await Promise.all(levels)).toEqual(
        ['info', 'error', 'debug'].map((level) => ({ level, format: 'json', entries: {} })),
      )
      const set = await loadConfig(folder.path, { profiles: ['dev'], set: ['log.level=warn'] })
      expect([set.log.level, set.registry.history]).toEqual(['warn', 'sqlite'])
    })

    it('are checked, chosen or not', async () => {
      using folder = appFolder({ '.troupe.yaml': text.replace('debug', 'debgu'), 'list.yaml': 'profiles: [a]\n' })
      await expect(loadConfig(folder.path)).rejects.toThrow('.troupe.yaml:4:24: log.level: expected one of')
      await expect(loadConfig(folder.path, { files: ['list.yaml'] })).rejects.toThrow(
        'list.yaml:1:11: profiles: expected profiles',
      )
      using right = appFolder({ '.troupe.yaml': text })
      await expect(loadConfig(right.path, { profiles: ['deb'] })).rejects.toThrow(
        'there is no profile "deb"; did you mean "dev"?',
      )
    })
  })
})
