import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { proxyRoute, readProxyUrl } from './proxy-url.ts'

describe('the URL of a proxy', () => {
  it.each([
    ['socks5://127.0.0.1:9050', { host: '127.0.0.1', port: 9050 }],
    ['socks5h://proxy.example:1080/', { host: 'proxy.example', port: 1080 }],
    ['socks5://[::1]:9050', { host: '::1', port: 9050 }],
    ['socks5://ann:p%40ss@h:1', { host: 'h', port: 1, username: 'ann', password: 'p@ss' }],
    ['socks5+unix:/run/tor/socks', { host: 'unix:/run/tor/socks' }],
    ['socks5+unix:///run/a%20b', { host: 'unix:/run/a b' }],
  ])('reads %s', (text, address) => {
    expect(readProxyUrl(text, 'url')).toEqual(address)
    expect(readProxyUrl(new URL(text), 'url')).toEqual(address)
  })

  it.each([
    ['127.0.0.1:9050 hunter2', /^networks\.tor: expected a URL such as/],
    ['http://ann:hunter2@h:1', /^networks\.tor: "http:" is not a kind of proxy/],
    ['socks5://ann:hunter2@h', /the port is missing/],
    ['socks5://ann:hunter2@h:0', /the port is missing/],
    ['socks5://ann@h:1', /the password is missing/],
    ['socks5://:hunter2@h:1', /the user is missing/],
    ['socks5://ann:hunter2%zz@h:1', /the password has a "%"/],
    [`socks5://ann:hunter2${'x'.repeat(255)}@h:1`, /longer than 255 bytes/],
    ['socks5://ann:hunter2@h:1/path', /no path/],
    ['socks5://ann:hunter2@h:1?via=x', /no query/],
    ['socks5+unix:run/hunter2', /must be absolute/],
  ])('refuses %s, without repeating it', (text, words) => {
    const read = () => readProxyUrl(text, 'networks.tor')
    expect(read).toThrow(words)
    expect(read).not.toThrow(/hunter2/)
  })

  it('leads to a route with one proxy', () => {
    const { config, driver } = proxyRoute(entryId('app:tor'), readProxyUrl('socks5://ann:b@h:1', 'url'))
    expect([driver, config]).toEqual([
      'socks5',
      { proxies: [{ host: 'h', port: 1, login: { username: 'ann', password: 'b' } }] },
    ])
  })
})
