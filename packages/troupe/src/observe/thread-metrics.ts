/** Metrics of threads and of what happened in them, by whose code they run and in which network. */
import { type Counts, type CounterName, type GcCount, gcKinds, waysOut } from '@troupe/core'
import { type Metric, mostSeries, summed } from './metric.ts'
import type { Observation } from './observation.ts'

const perSecond = 1000

/** The labels of what runs in a thread: whose code, and in which network. */
function placeOf({
  owner,
  overlay,
}: {
  readonly owner?: string | undefined
  readonly overlay?: string | null | undefined
}) {
  return { owner: owner ?? 'main', overlay: overlay ?? 'clear' }
}

export function threadMetrics({ threads, ended, processorTime }: Observation): readonly Metric[] {
  const all = [...threads, ...ended]
  const counted = (name: string, help: string, counterName: CounterName): Metric => ({
    name,
    help,
    type: 'counter',
    samples: all.map((each) => ({ labels: placeOf(each), value: each.counts[counterName] })),
  })
  const now = (name: string, help: string, value: (counts: Counts) => number): Metric => ({
    name,
    help,
    type: 'gauge',
    samples: threads.map((each) => ({ labels: placeOf(each), value: value(each.counts) })),
  })
  const used = (name: string, help: string, value: (each: (typeof threads)[number]) => number | undefined): Metric => ({
    name,
    help,
    type: 'gauge',
    samples: threads.flatMap((each) => {
      const found = value(each)
      return found === undefined ? [] : [{ labels: placeOf(each), value: found }]
    }),
  })
  const collected = (name: string, help: string, value: (gc: GcCount) => number): Metric => ({
    name,
    help,
    type: 'counter',
    samples: all.flatMap((each) =>
      gcKinds.map((kind) => ({ labels: { ...placeOf(each), kind }, value: value(each.counts.gc[kind]) })),
    ),
  })
  const metrics: readonly Metric[] = [
    {
      name: 'troupe_threads',
      help: 'Threads and operating-system processes that run code of the application',
      type: 'gauge',
      samples: threads.map((each) => ({ labels: { ...placeOf(each), kind: each.kind }, value: 1 })),
    },
    used(
      'troupe_thread_heap_bytes',
      'Heap in use, over all threads of an owner',
      ({ resources }) => resources?.heapUsed,
    ),
    used(
      'troupe_thread_utilization',
      'Event loop utilization, summed over all threads of an owner',
      ({ resources }) => resources?.utilization,
    ),
    {
      name: 'troupe_thread_cpu_seconds_total',
      help: 'Processor time of threads, as far as it was observed while they ran',
      type: 'counter',
      samples: processorTime.map((each) => ({ labels: placeOf(each), value: each.milliseconds / perSecond })),
    },
    collected('troupe_thread_gc_total', 'Garbage collections of threads, by kind', ({ count }) => count),
    collected(
      'troupe_thread_gc_seconds_total',
      'Time that threads stood still for garbage collections, by kind',
      ({ milliseconds }) => milliseconds / perSecond,
    ),
    now('troupe_processes', 'Processes that run', (counts) => counts.processesStarted - counts.processesEnded),
    counted('troupe_processes_started_total', 'Processes that were started', 'processesStarted'),
    counted('troupe_processes_failed_total', 'Processes that ended with an error', 'processesFailed'),
    counted('troupe_messages_sent_total', 'Messages that code sent', 'messagesSent'),
    counted('troupe_messages_received_total', 'Messages that were put into mailboxes', 'messagesReceived'),
    now('troupe_mailbox_messages', 'Messages that wait in mailboxes', (counts) =>
      Math.max(0, counts.messagesReceived - counts.messagesTaken),
    ),
    counted('troupe_calls_started_total', 'Function calls that a thread began', 'callsStarted'),
    counted('troupe_calls_failed_total', 'Function calls that threw', 'callsFailed'),
    {
      name: 'troupe_refused_total',
      help: 'Ways out of Node that an overlay or a sealed host refused, by module',
      type: 'counter',
      samples: all.flatMap((each) =>
        waysOut
          .filter((way) => each.counts.refused[way] > 0)
          .map((way) => ({ labels: { ...placeOf(each), way }, value: each.counts.refused[way] })),
      ),
    },
  ]
  return [...metrics.map(summed), delays(threads)]
}

/** Of each owner, the thread that replied last. */
function delays(threads: Observation['threads']): Metric {
  const longest = new Map<string, { readonly labels: ReturnType<typeof placeOf>; readonly value: number }>()
  for (const thread of threads) {
    const labels = placeOf(thread)
    const key = JSON.stringify(labels)
    const value = (thread.delay ?? 0) / perSecond
    if (value >= (longest.get(key)?.value ?? 0)) longest.set(key, { labels, value })
  }
  return {
    name: 'troupe_thread_delay_seconds',
    help: 'How long the slowest thread of an owner took to reply to the kernel: the delay of its event loop',
    type: 'gauge',
    samples: [...longest.values()].slice(0, mostSeries),
  }
}
