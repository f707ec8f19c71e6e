/** Charts of the last minutes, and the threads. */
import UPlot from 'uplot'
import { useEffect, useRef } from 'preact/hooks'
import { count, percent, rate, size } from '../format.ts'
import { html, type View } from '../html.ts'
import { Short, type ViewProps } from '../parts.ts'
import type { Point, Store } from '../store.ts'

interface Line {
  readonly label: string
  readonly value: (point: Point) => number
  readonly colour: string
}

interface ChartOptions {
  readonly title: string
  readonly lines: readonly Line[]
  readonly format: (value: number) => string
  readonly points: readonly Point[]
  readonly theme: string
  readonly max?: number
}

const height = 170
const charts: readonly Omit<ChartOptions, 'points' | 'theme'>[] = [
  {
    title: 'Messages and calls per second',
    format: rate,
    lines: [
      { label: 'messages', value: ({ messages }) => messages, colour: '--blue' },
      { label: 'calls', value: ({ calls }) => calls, colour: '--orange' },
    ],
  },
  {
    title: 'Event loop utilization',
    format: percent,
    max: 1,
    lines: [
      { label: 'main thread', value: ({ main }) => main, colour: '--blue' },
      { label: 'busiest thread', value: ({ busiest }) => busiest, colour: '--orange' },
    ],
  },
  {
    title: 'Heap of all threads',
    format: (value) => size(value * 2 ** 20),
    lines: [{ label: 'heap', value: ({ heap }) => heap, colour: '--green' }],
  },
  {
    title: 'Bytes per second through overlays',
    format: size,
    lines: [
      { label: 'sent', value: ({ sent }) => sent, colour: '--blue' },
      { label: 'received', value: ({ received }) => received, colour: '--green' },
    ],
  },
]

export function Metrics({ store, theme }: ViewProps & { readonly theme: string }): View {
  return html`<section class="view scrolls">
    <div class="bar"><h2>Metrics</h2></div>
    <div class="charts">
      ${charts.map((chart) => html`<${Chart} key=${chart.title} ...${chart} points=${store.points} theme=${theme} />`)}
    </div>
    ${threads(store)}
  </section>`
}

function Chart({ title, lines, format, points, theme, max }: ChartOptions): View {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(null)
  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const style = getComputedStyle(element)
    const colour = (name: string) => style.getPropertyValue(name).trim()
    const axis = {
      stroke: colour('--faint'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
      font: '11px system-ui, sans-serif',
    }
    const made = new UPlot(
      {
        width: element.clientWidth,
        height,
        cursor: { y: false },
        legend: { live: true },
        scales: { y: { range: (_, __, top) => [0, max ?? Math.max(top * 1.1, 1)] } },
        axes: [
          {
            ...axis,
            values: (_, at) => at.map((time) => new Date(time * 1000).toLocaleTimeString('en-GB')),
            space: 90,
          },
          { ...axis, size: 76, values: (_, at) => at.map(format) },
        ],
        series: [
          {
            label: 'time',
            value: (_, time) => (time === null ? '–' : new Date(time * 1000).toLocaleTimeString('en-GB')),
          },
          ...lines.map(({ label, colour: name }) => ({
            label,
            stroke: colour(name),
            width: 1.5,
            points: { show: false },
            value: (_: UPlot, value: number | null) => (value === null ? '–' : format(value)),
          })),
        ],
      },
      dataOf(lines, points),
      element,
    )
    plot.current = made
    const observer = new ResizeObserver(() => {
      made.setSize({ width: element.clientWidth, height })
    })
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [theme])
  useEffect(() => {
    plot.current?.setData(dataOf(lines, points))
  }, [points])
  const last = points.at(-1)
  const summary = lines.map(({ label, value }) => `${label} ${last ? format(value(last)) : 'none yet'}`).join(', ')
  return html`<figure class="chart">
    <figcaption>${title}: <span class="faint">${summary}</span></figcaption>
    <div ref=${box} role="img" aria-label=${`${title}: ${summary}`}></div>
  </figure>`
}

function dataOf(lines: readonly Line[], points: readonly Point[]): UPlot.AlignedData {
  return [points.map(({ time }) => time), ...lines.map(({ value }) => points.map(value))]
}

function threads({ rest, utilization }: Store): View {
  return html`<${Short}
    label="Threads"
    head=${['thread', 'runs', 'network', 'loop', 'heap', 'processes', 'messages taken']}
    rows=${(rest?.threads ?? []).map(({ number, owner, kind, overlay, sealed, counts, resources }) => ({
      id: String(number),
      cells: [
        html`<b>${number}</b>`,
        `${owner ?? kind}${sealed ? ', sealed' : ''}`,
        overlay ?? 'clear',
        resources ? percent(utilization.get(number) ?? 0) : '',
        resources ? size(resources.heapUsed) : '',
        count(counts.processesStarted - counts.processesEnded),
        count(counts.messagesTaken),
      ],
    }))}
    empty="Nothing is known of threads yet."
  />`
}
