/**
 * Exemplars of durations: of each bucket, the last observation that belongs to a sampled trace. They are in the memory
 * of the counters, written with plain stores; a reader drops one that is being written.
 */
import { parseTrace } from './trace.ts'

/** An observation with its place in a trace. */
export interface Exemplar {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  readonly seconds: number
  /** When it ended, in milliseconds since 1970. */
  readonly time: number
}

/** The exemplar of a bucket, by its index. */
export interface BucketExemplar extends Exemplar {
  readonly bucket: number
}

/** Words of the id of the trace, and of both ids. */
const traceWords = 4
const words = 6
const digitsOfWord = 8
const hexadecimal = 16
const secondsAt = words
const timeAt = words + 1
/** The sum of the words, by which a reader notices that others belong to another trace. */
const checkAt = words + 2
/** Numbers of one exemplar. */
export const exemplarSize = words + 3

/** Writes an exemplar, if its trace is sampled. @param trace - A `traceparent`. */
export function writeExemplar(memory: Float64Array, at: number, trace: string, seconds: number): void {
  const parsed = parseTrace(trace)
  if (parsed?.sampled !== true) return
  const ids = parsed.traceId + parsed.spanId
  let sum = 0
  for (let index = 0; index < words; index += 1) {
    const digits = ids.slice(index * digitsOfWord, (index + 1) * digitsOfWord)
    const word = Number.parseInt(digits, hexadecimal)
    memory[at + index] = word
    sum += word
  }
  memory[at + secondsAt] = seconds
  memory[at + timeAt] = Date.now()
  memory[at + checkAt] = sum
}

/** Reads an exemplar; `undefined` where there is none, or what no honest thread writes. */
export function readExemplar(memory: Float64Array, at: number): Exemplar | undefined {
  const parts = Array.from({ length: words }, (_, index) => memory[at + index] ?? 0)
  const [seconds = 0, time = 0, check = 0] = memory.subarray(at + secondsAt, at + exemplarSize)
  const isWhole = parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 0xff_ff_ff_ff)
  const sum = parts.reduce((all, part) => all + part, 0)
  if (!isWhole || sum === 0 || sum !== check || !(seconds >= 0) || !Number.isFinite(seconds) || !isTime(time))
    return undefined
  return { traceId: idOf(parts.slice(0, traceWords)), spanId: idOf(parts.slice(traceWords)), seconds, time }
}

function idOf(parts: readonly number[]): string {
  return parts.map((part) => part.toString(hexadecimal).padStart(digitsOfWord, '0')).join('')
}

/** Reads those of one histogram. @param buckets - Their number. */
export function readExemplars(memory: Float64Array, from: number, buckets: number): readonly BucketExemplar[] {
  return Array.from({ length: buckets }, (_, bucket) => {
    const found = readExemplar(memory, from + bucket * exemplarSize)
    return found === undefined ? [] : [{ bucket, ...found }]
  }).flat()
}

/** Of each bucket the newest, of several histograms. */
export function newestExemplars(all: readonly BucketExemplar[]): readonly BucketExemplar[] {
  const newest = new Map<number, BucketExemplar>()
  for (const one of all) if (one.time >= (newest.get(one.bucket)?.time ?? 0)) newest.set(one.bucket, one)
  return [...newest.values()]
}

/** Takes over the exemplars that are newer. @param from - Where they begin, in both. */
export function mergeExemplars(sum: Float64Array, memory: Float64Array, from: number): void {
  for (let at = from; at < memory.length; at += exemplarSize) {
    const time = memory[at + timeAt] ?? 0
    if (time > 0 && time >= (sum[at + timeAt] ?? 0)) sum.set(memory.subarray(at, at + exemplarSize), at)
  }
}

/** Whether a `Date` has that time. */
function isTime(time: number): boolean {
  return time > 0 && !Number.isNaN(new Date(time).getTime())
}
