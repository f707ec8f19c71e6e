/** Metrics of HTTP services, by route, and of the HTTP client, by overlay. */
import type { RequestCount } from '@troupe/core'
import { durationBounds } from '@troupe/http/kernel'
import { type Distribution, histogramSamples, type Metric, mostSeries, sampleExemplars, summed } from './metric.ts'
import type { Observation } from './observation.ts'

export function httpMetrics({ servers, routes, requests }: Observation): readonly Metric[] {
  return [
    summed({
      name: 'troupe_http_requests_total',
      help: 'Requests to services whose response has ended, by the pattern of their route',
      type: 'counter',
      samples: routes.flatMap(({ service, route, requests: counted }) =>
        counted.map(({ method, status, count }) => ({ labels: { service, route, method, status }, value: count })),
      ),
    }),
    {
      name: 'troupe_http_request_seconds',
      help: 'Time from the head of a request to the end of its response',
      type: 'histogram',
      samples: histogramSamples('troupe_http_request_seconds', durationBounds, durations(routes)),
    },
    summed({
      name: 'troupe_http_requests_in_flight',
      help: 'Requests whose response has not ended',
      type: 'gauge',
      samples: servers.map(({ service, inFlight }) => ({ labels: { service }, value: inFlight })),
    }),
    summed({
      name: 'troupe_http_bytes_total',
      help: 'Bytes of the connections of services, counted when a response or a connection ends',
      type: 'counter',
      samples: servers.flatMap(({ service, bytesReceived, bytesSent }) => [
        { labels: { service, direction: 'received' }, value: bytesReceived },
        { labels: { service, direction: 'sent' }, value: bytesSent },
      ]),
    }),
    summed({
      name: 'troupe_http_client_requests_total',
      help: 'Requests of the HTTP client, by the class of the status or failed',
      type: 'counter',
      samples: requests.map(({ overlay, outcome, count }: RequestCount) => ({
        labels: { overlay: overlay ?? 'clear', outcome },
        value: count,
      })),
    }),
  ]
}

/** One for each route, as long as there are not too many series; the others are added up. */
function durations(routes: Observation['routes']): readonly Distribution[] {
  const most = Math.floor(mostSeries / (durationBounds.length + 3))
  const shown = routes.slice(0, most).map(({ service, route, buckets, seconds: sum, exemplars }) => ({
    labels: { service, route },
    buckets,
    sum,
    exemplars: sampleExemplars(exemplars),
  }))
  const rest = routes.slice(most)
  if (rest.length === 0) return shown
  const buckets = [...durationBounds, undefined].map((_, index) =>
    rest.reduce((sum, route) => sum + (route.buckets[index] ?? 0), 0),
  )
  const labels = { service: 'other', route: 'other' }
  return [...shown, { labels, buckets, sum: rest.reduce((sum, route) => sum + route.seconds, 0) }]
}
