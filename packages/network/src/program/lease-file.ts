/**
 * Leases of addresses that stand for names, for threads and processes without a common kernel. Each lease is a record
 * that is appended to one file: its place in the file decides the block. A block is leased again only when all others
 * were, and when the process that holds it has ended.
 */
import { randomBytes } from 'node:crypto'
import { fstatSync, readSync, writeSync } from 'node:fs'
import { TroupeError } from '@troupe/core'
import { blockCount } from '../guard/dns/address-leases.ts'
import { leaseDescriptor } from './descriptors.ts'

const recordSize = 16
const tokenSize = recordSize - 4
/** Blocks are numbered from 1: the addresses of block 0 stand for no name. */
const usable = blockCount - 1

/** Leases a block to this process. @throws TroupeError `RateLimited` when processes that run hold all of them. */
export function leaseBlock(file = leaseDescriptor): number {
  for (let attempt = 0; attempt < usable; attempt += 1) {
    const token = randomBytes(tokenSize)
    const record = Buffer.alloc(recordSize)
    record.writeUInt32LE(process.pid)
    token.copy(record, 4)
    writeSync(file, record)
    const at = indexOf(file, record)
    if (at !== undefined && isFree(file, at)) return 1 + (at % usable)
  }
  throw new TroupeError('RateLimited', 'no free address can stand for a name: connect by name, without a look-up first')
}

function indexOf(file: number, record: Buffer): number | undefined {
  for (let at = Math.floor(fstatSync(file).size / recordSize) - 1; at >= 0; at -= 1) {
    if (recordAt(file, at).equals(record)) return at
  }
  return undefined
}

/** The record that held the same block before belongs to a process that has ended. */
function isFree(file: number, at: number): boolean {
  if (at < usable) return true
  try {
    process.kill(recordAt(file, at - usable).readUInt32LE(), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

function recordAt(file: number, at: number): Buffer {
  const record = Buffer.alloc(recordSize)
  readSync(file, record, 0, recordSize, at * recordSize)
  return record
}
