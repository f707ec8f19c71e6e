import { describe, expect, it } from 'vitest'
import { parseOverride } from './override.ts'

describe('parseOverride', () => {
  it.each([
    ['app:proxy:port=9050', { id: 'app:proxy', path: 'port', value: '9050' }],
    [
      'app.net:proxy:meta.options.network=app:x=y',
      { id: 'app.net:proxy', path: 'meta.options.network', value: 'app:x=y' },
    ],
    ['app:i2p:options["inbound.length"]=2', { id: 'app:i2p', path: 'options["inbound.length"]', value: '2' }],
    ['app:proxy:password=', { id: 'app:proxy', path: 'password', value: '' }],
  ])('reads %s', (text, expected) => {
    expect(parseOverride(text)).toEqual(expected)
  })

  it.each(['app:proxy=1', 'port=1', 'app:proxy:=1', 'app:proxy:port', '1:2:3=hunter2'])(
    'refuses %s without showing its value',
    (text) => {
      expect(() => parseOverride(text)).toThrow(
        /^(?!.*hunter2).* is not a field of an entry: expected "namespace:name:field=value"$/,
      )
    },
  )
})
