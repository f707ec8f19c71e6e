/**
 * Metrics of an application for Prometheus, made from one observation when they are asked for. Labels have a bounded
 * number of values: ids of entries, outcomes, names of modules of Node. Values that change (pids, targets, actors) are
 * never a label.
 */
import { latencyBounds } from '@troupe/core'
import { memoryUsage } from 'node:process'
import type { RegistryContentType } from 'prom-client'
import { httpMetrics } from './http-metrics.ts'
import { histogramSamples, type Labels, type Metric, sampleExemplars, summed } from './metric.ts'
import type { Observation } from './observation.ts'
import { queueMetrics } from './queue-metrics.ts'
import { threadMetrics } from './thread-metrics.ts'

const seconds = 1000

/** Content types of the two formats. */
export type MetricsFormat = 'prometheus' | 'openmetrics'

/** Writes the metrics of an observation. */
export async function metricsText(
  observation: Observation,
  format: MetricsFormat,
): Promise<{ readonly type: string; readonly text: string }> {
  const { Registry } = await import('prom-client')
  const isOpen = format === 'openmetrics'
  const registry = new Registry<RegistryContentType>()
  if (isOpen) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  for (const metric of metricsOf(observation)) register(registry, metric, isOpen)
  return { type: registry.contentType, text: await registry.metrics() }
}

/** Adds a metric of which prom-client asks the values when it is scraped. */
function register(registry: { registerMetric(metric: never): void }, metric: Metric, isOpen: boolean): void
function register(registry: { registerMetric(metric: object): void }, metric: Metric, isOpen: boolean): void {
  const { help, type, samples } = metric
  // OpenMetrics names a counter without its suffix, and prom-client adds the suffix.
  const name = isOpen && type === 'counter' ? metric.name.replace(/_total$/, '') : metric.name
  const values = samples.map(({ labels, value, name: metricName, exemplar }) => ({
    labels,
    value,
    ...(exemplar !== undefined && { exemplar }),
    ...(metricName !== undefined && { metricName }),
  }))
  registry.registerMetric({ name, get: async () => ({ name, help, type, values, aggregator: 'sum' }) })
}

/** All metrics of an observation. */
function metricsOf(observation: Observation): readonly Metric[] {
  return [
    ...threadMetrics(observation),
    ...httpMetrics(observation),
    ...ofOverlays(observation),
    ...ofWork(observation),
    ...queueMetrics(observation),
    ...ofProgram(observation),
  ]
}

function ofOverlays({ overlays }: Observation): readonly Metric[] {
  const sample = (overlay: string, value: number, more: Labels = {}) => ({ labels: { overlay, ...more }, value })
  const states = ['up', 'degraded', 'starting', 'down'] as const
  return [
    {
      name: 'troupe_overlay_state',
      help: 'Whether an overlay is in this state',
      type: 'gauge',
      samples: overlays.flatMap(({ overlay, state }) =>
        states.map((each) => sample(overlay, Number(state === each), { state: each })),
      ),
    },
    {
      name: 'troupe_overlay_dials_total',
      help: 'Dials that ended',
      type: 'counter',
      samples: overlays.flatMap(({ overlay, opened, failed }) => [
        sample(overlay, opened, { outcome: 'opened' }),
        sample(overlay, failed, { outcome: 'failed' }),
      ]),
    },
    {
      name: 'troupe_overlay_accepted_total',
      help: 'Connections that arrived through an overlay',
      type: 'counter',
      samples: overlays.map(({ overlay, accepted }) => sample(overlay, accepted)),
    },
    {
      name: 'troupe_overlay_connections',
      help: 'Connections that are open',
      type: 'gauge',
      samples: overlays.map(({ overlay, open }) => sample(overlay, open)),
    },
    {
      name: 'troupe_overlay_bytes_total',
      help: 'Bytes of connections through an overlay, with handshakes',
      type: 'counter',
      samples: overlays.flatMap(({ overlay, bytesSent, bytesReceived }) => [
        sample(overlay, bytesSent, { direction: 'sent' }),
        sample(overlay, bytesReceived, { direction: 'received' }),
      ]),
    },
    {
      name: 'troupe_overlay_dial_seconds',
      help: 'Duration of the dials that opened a connection',
      type: 'histogram',
      samples: histogramSamples(
        'troupe_overlay_dial_seconds',
        latencyBounds.map((bound) => bound / seconds),
        overlays.map(({ overlay, dialBuckets: buckets, exemplars, dialMilliseconds }) => ({
          labels: { overlay },
          buckets,
          exemplars: sampleExemplars(exemplars),
          sum: dialMilliseconds / seconds,
        })),
      ),
    },
  ]
}

function ofWork({ pools, requestPools, services, policies, deadLetters }: Observation): readonly Metric[] {
  const ofPools = (name: string, help: string, field: 'threads' | 'running' | 'waiting'): Metric => ({
    name,
    help,
    type: 'gauge',
    samples: pools.map((pool) => ({ labels: { entry: pool.entry }, value: pool[field] })),
  })
  const metrics: readonly Metric[] = [
    ofPools('troupe_pool_threads', 'Threads of a function entry', 'threads'),
    ofPools('troupe_pool_calls_running', 'Calls that have a thread', 'running'),
    ofPools('troupe_pool_calls_waiting', 'Calls that wait for a thread', 'waiting'),
    {
      name: 'troupe_http_pool_threads',
      help: 'Threads that respond to requests with the function of their endpoints',
      type: 'gauge',
      samples: requestPools.map(({ entry, threads }) => ({ labels: { entry }, value: threads })),
    },
    {
      name: 'troupe_service_state',
      help: 'The state of a service, as a label',
      type: 'gauge',
      samples: services.map(({ id, kind, state }) => ({
        labels: { service: id, kind, state: state.toLowerCase() },
        value: 1,
      })),
    },
    {
      name: 'troupe_service_attempts',
      help: 'Consecutive failures of a service',
      type: 'gauge',
      samples: services.map(({ id, attempts }) => ({ labels: { service: id }, value: attempts })),
    },
    {
      name: 'troupe_policy_decisions_total',
      help: 'Decisions, by the policy that decided',
      type: 'counter',
      samples: policies.flatMap(({ policy, allowed, denied }) => [
        { labels: { policy: policy ?? 'none', outcome: 'allowed' }, value: allowed },
        { labels: { policy: policy ?? 'none', outcome: 'denied' }, value: denied },
      ]),
    },
    {
      name: 'troupe_dead_letters_total',
      help: 'Messages that no process took',
      type: 'counter',
      samples: [{ labels: {}, value: deadLetters.count }],
    },
  ]
  return metrics.map(summed)
}

function ofProgram({ at, uptime, registryVersion, logLines }: Observation): readonly Metric[] {
  const { user, system } = process.cpuUsage()
  const one = (name: string, help: string, type: Metric['type'], value: number): Metric => ({
    name,
    help,
    type,
    samples: [{ labels: {}, value }],
  })
  return [
    one('process_cpu_seconds_total', 'Processor time of the program', 'counter', (user + system) / 1e6),
    one('process_resident_memory_bytes', 'Resident memory of the program', 'gauge', memoryUsage.rss()),
    one('troupe_registry_version', 'Number of the state of the registry', 'gauge', registryVersion),
    {
      name: 'troupe_log_lines_total',
      help: 'Lines of the log that were written',
      type: 'counter',
      samples: Object.entries(logLines).map(([level, value]) => ({ labels: { level }, value })),
    },
    one('process_start_time_seconds', 'Start of the program, since 1970', 'gauge', at / seconds - uptime),
  ]
}
