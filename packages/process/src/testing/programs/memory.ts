/** Programs that look for what memory held before. */
import { openSync, readFileSync, readSync } from 'node:fs'
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { serialize } from 'node:v8'

const makers: readonly (readonly [string, (size: number) => Uint8Array])[] = [
  ['allocUnsafe', (size) => Buffer.allocUnsafe(size)],
  ['allocUnsafeSlow', (size) => Buffer.allocUnsafeSlow(size)],
  ['Buffer.concat', (size) => Buffer.concat([], size)],
]

/** Those behind whose result there may be more than was asked for. */
const results: readonly (readonly [string, () => Uint8Array])[] = [
  ['Buffer.from text', () => Buffer.from('x')],
  ['Buffer.from base64', () => Buffer.from('eA==', 'base64')],
  ['Buffer.from bytes', () => Buffer.from([120])],
  ['Buffer.copyBytesFrom', () => Buffer.copyBytesFrom(new Uint8Array([120]))],
  ['deflateSync', () => deflateSync('x')],
  ['gunzipSync', () => gunzipSync(gzipSync('x'))],
  ['brotliCompressSync', () => brotliCompressSync('x')],
  ['readFileSync', () => readFileSync(import.meta.filename)],
  ['readFileSync of a file without a size', () => readFileSync(openSync(import.meta.filename, 'r'))],
  ['v8.serialize', () => serialize('x')],
  [
    'readSync',
    () => {
      const buffer = Buffer.allocUnsafe(1 << 16)
      return buffer.subarray(0, readSync(openSync(import.meta.filename, 'r'), buffer, 0, 1, 0))
    },
  ],
]

/** Frees memory that holds `word`, over and over, so that it is in what is handed out next. */
export function litter(word: string, semaphore: number): void {
  for (let turn = 0; turn < semaphore; turn += 1) {
    const kept: Uint8Array[] = []
    for (let size = 64; size < 100_000; size = Math.ceil(size * 1.3))
      kept.push(new Uint8Array(size).fill(word.charCodeAt(0)))
  }
}

/** Names the allocators that returned bytes with old contents. */
export function residue(semaphore: number): readonly string[] {
  const found = new Set<string>()
  for (let turn = 0; turn < semaphore; turn += 1) {
    litter('P', 1)
    for (const [name, make] of makers) {
      for (let size = 32; size < 200_000; size = Math.ceil(size * 1.5))
        if (make(size).some((byte) => byte !== 0)) found.add(name)
    }
    for (const [name, make] of results) {
      const result = make()
      const all = new Uint8Array(result.buffer)
      const behind = [...all.subarray(0, result.byteOffset), ...all.subarray(result.byteOffset + result.byteLength)]
      if (behind.some((byte) => byte !== 0)) found.add(name)
    }
  }
  return [...found].toSorted()
}

/** A library's own wishes for the pool. */
export function poolSize(): number {
  Buffer.poolSize = 1 << 20
  return Buffer.from('x').buffer.byteLength
}
