import { expect, it } from 'vitest'
import { parseAddress } from './address.ts'

it.each([
  [':80', { host: undefined, port: 80 }],
  ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['[::1]:443', { host: '::1', port: 443 }],
])('%s is parsed', (text, address) => {
  expect(parseAddress(text)).toEqual(address)
})
