import { expect, it } from 'vitest'
import { isOld } from './connection.ts'

it.each([
  ['2.9.25', true],
  ['2.13.9', true],
  ['1.99.0', true],
  ['2.14.0', false],
  ['2.15.3', false],
  ['2.15.0-RC.1', false],
  ['3.0.0', false],
])('whether nats-server %s is too old: %s', (version, expected) => {
  expect(isOld(version)).toBe(expected)
})
