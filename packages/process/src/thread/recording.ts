/**
 * What an operator has recorded in this thread: the messages of one process, or how many go from whom to whom. It is
 * off until the kernel asks for it, and ends by itself. Payloads are never recorded.
 */
import {
  type EntryId,
  type Pid,
  parseTrace,
  startTimer,
  stopTimer,
  type Timer,
  type TraceContext,
  weightOfCopy,
} from '@troupe/core'
import type { Envelope } from '../mailbox/message.ts'
import type { ParticipantRuntime } from './participant.ts'
import type { ThreadMessages } from '../protocol/kernel-thread.ts'
import { weightOf } from '../protocol/foreign-handles.ts'

type Row = readonly (string | number)[]

/** Maximum number of pairs of processes whose messages are counted apart; those of further ones are added up. */
const mostPairs = 4096
/** Milliseconds for which a recording may outlast its time: then the kernel reads it no more. */
const slack = 5000

/** A participant, with the entry whose code it runs: of a process its program's. */
interface Sender {
  readonly pid: Pid
  readonly runtime: ParticipantRuntime | undefined
  readonly program?: { readonly entry: EntryId }
  readonly entry?: EntryId | undefined
}

interface SentMessage {
  readonly to: Pid
  readonly topic: string
  readonly frame: TraceContext
}

interface Flow {
  readonly from: string
  readonly entry: string
  readonly to: string
  messages: number
  bytes: number
}

interface Recording {
  /** The process whose messages are recorded; `undefined`: the messages of all are counted. */
  readonly pid: Pid | undefined
  /** Maximum number of rows. */
  readonly limit: number
  readonly rows: Row[]
  readonly flows: Map<string, Flow>
  readonly timer: Timer
}

/** By application: several may run in the kernel's thread. */
const recordings = new Map<ParticipantRuntime | undefined, Recording>()

/** Whether anything is recorded in this thread. */
export function isRecording(): boolean {
  return recordings.size > 0
}

/** Begins a recording in place of an earlier one; with a limit of 0, ends it. */
export function record(
  runtime: ParticipantRuntime,
  { pid, limit, milliseconds }: Omit<ThreadMessages['record'], 'type'>,
): void {
  stopTimer(recordings.get(runtime)?.timer)
  recordings.delete(runtime)
  if (limit === 0) return
  const timer = startTimer(() => {
    recordings.delete(runtime)
  }, milliseconds + slack).unref()
  recordings.set(runtime, { pid, limit, rows: [], flows: new Map(), timer })
}

/** Number of messages that were recorded. */
export function recordedCount(runtime: ParticipantRuntime): number {
  return recordings.get(runtime)?.rows.length ?? 0
}

/** The messages that were recorded, in the order of `rowWidths.messages`. */
export function recordedMessages(runtime: ParticipantRuntime): readonly Row[] {
  return [...(recordings.get(runtime)?.rows ?? [])]
}

/** Who sent how much to whom, in the order of `rowWidths.flows`: most messages first. */
export function recordedFlows(runtime: ParticipantRuntime): readonly Row[] {
  return [...(recordings.get(runtime)?.flows.values() ?? [])]
    .toSorted((a, b) => b.messages - a.messages)
    .map(({ from, entry, to, messages, bytes }) => [from, entry, to, messages, bytes])
}

/** A participant of this thread sends a message. @param weight - Approximate bytes. */
export function recordSent(by: Sender, { to, topic, frame }: SentMessage, call: number, weight: number): void {
  const recording = recordings.get(by.runtime)
  if (recording === undefined) return
  if (recording.pid === undefined) addFlow(recording, by, to, weight)
  else if (recording.pid === by.pid)
    keep(recording, ['out', call === 0 ? 'send' : 'call', by.pid, to, topic, weight, traceOf(frame.trace)])
}

/** A process of this thread takes a message. */
export function recordTaken({ pid, runtime }: Sender, { from, topic, call, payload, frame }: Envelope): void {
  const recording = recordings.get(runtime)
  if (recording === undefined || recording.pid !== pid) return
  const weight = weightOfCopy(payload) ?? weightOf(payload)
  keep(recording, ['in', call === 0 ? 'send' : 'call', from, pid, topic, weight, traceOf(frame.trace)])
}

function keep({ rows, limit }: Recording, row: Row): void {
  if (rows.length < limit) rows.push([Date.now(), ...row])
}

function addFlow({ flows }: Recording, by: Sender, to: Pid, weight: number): void {
  const own = `${by.pid}\0${to}`
  const key = flows.has(own) || flows.size < mostPairs ? own : ''
  const known = flows.get(key)
  if (known === undefined) {
    const [from, entry, receiver] = key === '' ? [by.pid, '', ''] : [by.pid, by.program?.entry ?? by.entry ?? '', to]
    flows.set(key, { from, entry, to: receiver, messages: 1, bytes: weight })
    return
  }
  known.messages += 1
  known.bytes += weight
}

function traceOf(trace: string | undefined): string {
  return trace === undefined ? '' : (parseTrace(trace)?.traceId ?? '')
}
