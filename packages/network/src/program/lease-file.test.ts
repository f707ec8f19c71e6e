import { closeSync, writeSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { leaseBlock } from './lease-file.ts'
import { openAppended } from './plan.ts'

let file = 0
beforeEach(() => {
  file = openAppended()
})
afterEach(() => closeSync(file))

const blocks = 2047
const record = (pid: number, at: number) => {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt32LE(pid)
  bytes.writeUInt32LE(at, 4)
  return bytes
}

it('leases each block once', () => {
  expect(Array.from({ length: 5 }, () => leaseBlock(file))).toEqual([1, 2, 3, 4, 5])
})

it('leases the block of a process again when that has ended, and only then', () => {
  const { pid: ended } = spawnSync(process.execPath, ['-e', '0'])
  const held = Array.from({ length: blocks }, (_, at) => record(at === 3 ? ended : process.pid, at))
  writeSync(file, Buffer.concat(held))
  expect(leaseBlock(file)).toBe(4)
  expect(() => leaseBlock(file)).toThrow('no free address')
})
