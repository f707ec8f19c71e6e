/** A metric with its samples, and how many samples it may have. */
import type { BucketExemplar } from '@troupe/core'

export type Labels = Readonly<Record<string, string>>

/** Maximum number of label sets of one metric; the others are added up under `other`. */
export const mostSeries = 2000

export interface Sample {
  readonly labels: Labels
  readonly value: number
  /** The name, where it is not that of the metric: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly name?: string
  /** Shown in OpenMetrics only. */
  readonly exemplar?: SampleExemplar
}

/** One of the observations of a bucket. */
export interface SampleExemplar {
  readonly labelSet: Labels
  readonly value: number
  /** In seconds since 1970. */
  readonly timestamp: number
}

export interface Metric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly samples: readonly Sample[]
}

/** A series of a histogram. */
export interface Distribution {
  readonly labels: Labels
  /** Observations of each bucket; one more than there are bounds. */
  readonly buckets: readonly number[]
  readonly sum: number
  /** By the index of the bucket. */
  readonly exemplars?: ReadonlyMap<number, SampleExemplar>
}

const perSecond = 1000

/** Exemplars of a histogram, by the index of the bucket, with the labels that OpenMetrics has for traces. */
export function sampleExemplars(exemplars: readonly BucketExemplar[]): ReadonlyMap<number, SampleExemplar> {
  return new Map(
    exemplars.map(({ bucket, traceId, spanId, seconds, time }) => [
      bucket,
      { labelSet: { trace_id: traceId, span_id: spanId }, value: seconds, timestamp: time / perSecond },
    ]),
  )
}

/** The samples of a histogram. @param bounds - Upper bounds of its buckets, in the unit of the metric. */
export function histogramSamples(
  name: string,
  bounds: readonly number[],
  distributions: readonly Distribution[],
): readonly Sample[] {
  return distributions.flatMap(({ labels, buckets, sum, exemplars }) => {
    let count = 0
    const cumulative = buckets.map((more, index) => {
      const bound = bounds[index]
      count += more
      const exemplar = exemplars?.get(index)
      return {
        labels: { ...labels, le: bound === undefined ? '+Inf' : String(bound) },
        value: count,
        name: `${name}_bucket`,
        ...(exemplar !== undefined && { exemplar }),
      }
    })
    return [...cumulative, { labels, value: sum, name: `${name}_sum` }, { labels, value: count, name: `${name}_count` }]
  })
}

/** Adds up samples with the same labels; beyond a maximum, all labels but the first few become `other`. */
export function summed(metric: Metric): Metric {
  const sums = new Map<string, { readonly labels: Labels; value: number }>()
  for (const { labels, value } of metric.samples) {
    const key = JSON.stringify(labels)
    const known = sums.get(key)
    if (known !== undefined) known.value += value
    else if (sums.size < mostSeries) sums.set(key, { labels, value })
    else {
      const rest = Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']))
      const other = sums.get('other') ?? { labels: rest, value: 0 }
      other.value += value
      sums.set('other', other)
    }
  }
  return { ...metric, samples: [...sums.values()] }
}
