import { expect, describe, it } from 'vitest'
import { funcs, processes, registry, security, start, type StartOptions } from '../index.ts'
import { boot, type BootOptions } from '../app.ts'
import { startSite } from './testing/site.ts'
import { startSocksProxy } from './testing/socks-proxy.ts'

const images = new URL('fixtures/images.ts', import.meta.url)
const service = new URL('fixtures/service.ts', import.meta.url)
const quiet = { onLog: () => {}, root: import.meta.dirname } as const

describe('start', () => {
  it('runs functions and services, each in its network', async () => {
    await using site = await startSite()
    await using proxy = await startSocksProxy({ username: 'ann', password: 'hunter2' })
    const lines: string[] = []
    await using app = await start({
      ...quiet,
      onLog: (line) => lines.push(line),
      networks: { tor: `socks5://ann:hunter2@127.0.0.1:${proxy.port}`, dead: 'socks5://ann:hunter2@127.0.0.1:1' },
      hosts: { workers: { spares: 0, isolation: 'shared', workers: 1 } },
      functions: {
        resize: { source: images, method: 'resize', pool: { max: 1 } },
        load: { source: images, method: 'load', pool: { max: 1 }, network: 'tor' },
        load_dead: { source: images, method: 'load', pool: { max: 1 }, network: 'dead' },
      },
      services: { greeter: { source: service, host: 'workers', input: ['hi'], restart: { initial_delay: '1ms' } } },
      config: { log: { level: 'trace' } },
    })
    expect(await funcs.call('app:resize', 'cat', 3)).toBe('cat 3')
    expect(await funcs.call('app:load', site.url)).toBe('from 127.0.0.9')
    expect(proxy.asked).toEqual([new URL(site.url).host])
    expect(await processes.call('app:greeter', 'name', 'ann')).toBe('hi ann')

    const handle = app.service('greeter')
    expect(handle.status).toMatchObject({ id: 'app:greeter', state: 'Running' })
    await handle.stop()
    expect(handle.status.state).toBe('Stopped')
    expect((await handle.restart()).state).toBe('Running')
    expect(() => app.service('absent')).toThrow('app:absent')

    // Neither entries, errors nor logs contain the password.
    const failure = await funcs.call('app:load_dead', site.url).catch((error: unknown) => error)
    const shown = [await registry.find(), await registry.history(), lines, failure, handle.status]
    expect(JSON.stringify(shown)).toContain('app:tor')
    expect(`${JSON.stringify(shown)}${String(failure)}${lines.join('')}`).not.toContain('hunter2')
  })

  it('changes the level of the log for one service', async () => {
    const lines: string[] = []
    await using app = await start({
      ...quiet,
      onLog: (line) => lines.push(line),
      services: { greeter: { source: service } },
      config: { log: { level: 'warn' } },
    })
    app.setLogLevel('info', 'greeter')
    await app.service('greeter').restart()
    const shown = lines.filter((line) => line.includes('app:greeter'))
    expect(shown).toContain('app:greeter Running')
    app.setLogLevel(undefined, 'greeter')
    await app.service('greeter').restart()
    expect(lines.filter((line) => line.includes('app:greeter'))).toEqual(shown)
    expect(() => {
      app.setLogLevel('info', 'absent')
    }).toThrow('app:absent')
  })

  it('governs what code chooses by its policies', async () => {
    await using _ = await start({
      ...quiet,
      networks: { tor: 'socks5://127.0.0.1:1' },
      functions: {
        network: { source: images, method: 'network', pool: { max: 1 } },
        outer: { source: images, method: 'callNetwork', pool: { max: 1 } },
      },
      policies: {
        calls: { actions: 'funcs.call', resources: '*', effect: 'allow', groups: ['visitors'] },
      },
    })
    const visitor = funcs.withActor({ id: 'ann', meta: {} }).withScope(await security.namedScope('visitors'))
    expect(await visitor.call('app:network')).toBeNull()
    const chosen = visitor.call('app:outer', 'app:tor')
    await expect(chosen).rejects.toMatchObject({ kind: 'PermissionDenied', details: { action: 'network.select' } })
  })

  const wrong: readonly (readonly [unknown, string])[] = [
    [{ network: 'a b' }, 'network: "a b" is not a name'],
    [{ netwroks: {} }, 'netwroks: start has no such option'],
    [{ networks: null }, 'networks: expected an object with a member for each name'],
    [{ entries: {} }, 'entries: expected an array of entries, and this is of the type object'],
    [{ config: null }, 'config: expected an object with sections, and this is null'],
    [{ root: 5 }, 'root: expected the path of a folder, and this is of the type number'],
    [{ onLog: 'hunter2' }, 'onLog: expected a function, and this is of the type string'],
    [{ networks: { 'a b': 'socks5://h:1' } }, 'networks.a b: "a b" is not a name'],
    [{ networks: { tor: 'http://ann:hunter2@h:1' } }, 'networks.tor: "http:" is not a kind of proxy'],
    [{ networks: { tor: { host: 'h' } } }, 'networks.tor: expected the URL of a proxy, or the fields of a network'],
    [{ networks: { tor: { kind: 'network.socks5', host: 'h' } } }, 'app:tor: port: expected 1 to 65535'],
    [{ networks: { 'troupe:x': 'socks5://h:1' } }, 'networks.troupe:x: the namespaces'],
    [{ hosts: { h: { spaers: 1 } } }, 'app:h: host.spaers: there is no such field; did you mean "spares"'],
    [{ functions: { f: { source: './images.ts' } } }, 'functions.f.source: expected the URL of a file'],
    [{ functions: { f: { source: new URL('http://h/x.ts') } } }, 'functions.f.source: expected the URL of a file'],
    [{ functions: { f: { source: new URL('fixtures/none.ts', import.meta.url) } } }, 'app:f: source: there is no file'],
    [{ functions: { f: { source: images, pool: { max: 0 } } } }, 'app:f: pool'],
    [
      { functions: { f: { source: images, network: 'tro' } } },
      'app:f: meta.options.network: there is no entry app:tro',
    ],
    [{ services: { s: { source: service, host: 'none' } } }, 'app:s: host: there is no entry app:none'],
    [{ policies: { p: { actions: 'x', resources: '*' } } }, 'app:p: effect'],
    [{ entries: [{ id: 'proxy', kind: 'x' }] }, 'entries[0]: id: "proxy" is not an entry id'],
    [{ entries: [{ id: 'app:x', kind: 'process.ts', fields: {} }] }, 'app:x: fields: there is no such field'],
    [{ entries: [{ id: 'troupe.program:x', kind: 'process.ts' }] }, 'entries[0]: the namespaces'],
    [{ config: { log: { levle: 'info' } } }, 'log.levle: there is no such field; did you mean "level"'],
    [{ config: { network_service: { default_network: 'tro' } }, network: null }, 'there is no overlay app:tro'],
  ]
  it.each(wrong)('refuses %o', async (options, words) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what plain JavaScript may pass
    const starting = start({ ...quiet, ...(options as StartOptions) })
    const error = await starting.then(async (app) => app.stop(), String)
    expect(error).toContain(words)
    expect(error).not.toContain('hunter2')
  })
  it.each([
    [null, 'start: expected an object of options, and this is null'],
    ['app', 'start: expected an object of options, and this is of the type string'],
    [[], 'start: expected an object of options, and this is an array'],
  ])('refuses %j in place of options', async (options, words) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what plain JavaScript may pass
    const given = options as StartOptions
    await expect(start(given)).rejects.toMatchObject({ kind: 'Invalid', message: words })
    await expect(boot(given as BootOptions)).rejects.toMatchObject({ message: words.replace('start', 'boot') })
  })
})
