import { describe, expect, it } from 'vitest'
import { UsageError } from '../usage-error.ts'
import { parseExecOptions } from './exec-options.ts'
import { holdsSecret, parseNetwork } from './network-choice.ts'
import { withoutNetwork } from './secrets.ts'

describe('--network', () => {
  it.each([
    ['tor', { type: 'socks5', name: 'tor', proxy: { host: '127.0.0.1', port: 9050 } }],
    ['socks5://p.test', { type: 'socks5', name: 'proxy', proxy: { host: 'p.test', port: 1080 } }],
    ['socks5h://[::1]:99', { type: 'socks5', name: 'proxy', proxy: { host: '::1', port: 99 } }],
    [
      'socks5://a%40b:c%3Ad@p.test:1',
      {
        type: 'socks5',
        name: 'proxy',
        proxy: { host: 'p.test', port: 1, login: { username: 'a@b', password: 'c:d' } },
      },
    ],
    ['socks5+unix:/run/tor', { type: 'socks5', name: 'proxy', proxy: { host: 'unix:/run/tor' } }],
    [
      'socks5+unix://u:p@/run/tor',
      {
        type: 'socks5',
        name: 'proxy',
        proxy: { host: 'unix:/run/tor', login: { username: 'u', password: 'p' } },
      },
    ],
    ['app.net:proxy', { type: 'entry', id: 'app.net:proxy' }],
    ['i2p?port=1', { type: 'i2p', fields: { host: '127.0.0.1', port: '1' } }],
    ['tailnet?hostname=a', { type: 'tailnet', fields: { hostname: 'a' } }],
  ])('%s', (text, choice) => {
    expect(parseNetwork(text)).toEqual(choice)
  })

  it.each([
    'http://u:secret@p.test',
    'socks4://secret@p.test',
    'socks5://u:secret@',
    'socks5://secret@p.test:1',
    'socks5://u:secret@p.test:1/path',
    'socks5://u:%zzsecret@p.test',
    'socks5+unix:secret',
    `socks5://u:secret${'x'.repeat(256)}@p.test`,
    'secret',
    '',
  ])('refuses %s without repeating it', (text) => {
    expect(() => parseNetwork(text)).toThrow(UsageError)
    expect(() => parseNetwork(text)).not.toThrow('secret')
  })

  it('holds a secret only with a password', () => {
    expect(['socks5://u:p@h', 'socks5+unix://u:p@/x'].map(holdsSecret)).toEqual([true, true])
    expect(['socks5://h:1', 'tor', 'app:proxy', 'tailnet?a=b'].map(holdsSecret)).toEqual([false, false, false, false])
  })
})

describe('options', () => {
  it('end at the program, with or without "--"', () => {
    const argv = ['--network=tor', '--allow', 'a,b', '--allow', 'c', '--report=json', 'node', '--isolate', '--', 'x']
    expect(parseExecOptions(argv)).toMatchObject({
      network: 'tor',
      allow: ['a', 'b', 'c'],
      report: 'json',
      isolate: false,
      command: ['node', '--isolate', '--', 'x'],
    })
    expect(parseExecOptions(['--report', '--', '--odd']).command).toEqual(['--odd'])
  })

  it.each([[['--nework', 'tor']], [['--network']], [['--report=xml', 'node']]])('refuse %s', (argv) => {
    expect(() => parseExecOptions(argv)).toThrow(UsageError)
  })

  it('lose the network, and keep those of the program', () => {
    const command = ['node', '--network', 'x']
    const argv = ['--network', 'socks5://u:p@h', '--isolate', '--network=tor', '--', ...command]
    expect(withoutNetwork(argv, command)).toEqual(['--isolate', '--', ...command])
  })
})
