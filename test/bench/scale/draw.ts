/** Draws the curves as SVG, for light and dark pages. Both axes are logarithmic. */
import { format } from '../measure.ts'
import type { Curve, Series } from './curves.ts'

/** A measured point: the count, and its figures by name. */
export interface Point {
  readonly count: number
  readonly figures: Readonly<Record<string, number>>
}

const width = 360
const height = 220
const margin = { left: 58, right: 14, top: 34, bottom: 40 }
const style = `
    .text { font: 11px system-ui, sans-serif; fill: #57606a }
    .title { font-weight: 600; fill: #24292f }
    .grid { stroke: #d0d7de; stroke-width: 0.5 }
    .line { stroke: #0969da; stroke-width: 1.8; fill: none }
    .dot { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      .text { fill: #8b949e }
      .title { fill: #e6edf3 }
      .grid { stroke: #30363d }
      .line { stroke: #58a6ff }
      .dot { fill: #58a6ff }
    }`

/** Returns the diagrams of a curve, beside each other in rows of two. */
export function draw({ title, of, series }: Curve, points: readonly Point[]): string {
  const rows = Math.ceil(series.length / 2)
  const columns = Math.min(2, series.length)
  const drawn = series.map((line, index) => {
    const at = `translate(${(index % 2) * width} ${Math.floor(index / 2) * height})`
    return `  <g transform="${at}">${diagram(line, of, points)}\n  </g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${columns * width} ${rows * height}" role="img">`,
    `  <title>${title}</title>`,
    `  <style>${style}\n  </style>`,
    ...drawn,
    '</svg>\n',
  ].join('\n')
}

function diagram({ key, title, unit }: Series, of: string, points: readonly Point[]): string {
  const measured = points.flatMap(({ count, figures }) => {
    const figure = figures[key]
    return figure === undefined || !(figure > 0) ? [] : [[count, figure] as const]
  })
  const x = axis(
    measured.map(([count]) => count),
    margin.left,
    width - margin.right,
  )
  const y = axis(
    measured.map(([, figure]) => figure),
    height - margin.bottom,
    margin.top,
  )
  const line = measured.map(([count, figure]) => `${x.at(count)},${y.at(figure)}`).join(' ')
  const bottom = height - margin.bottom
  const parts = [
    text(margin.left, 18, 'start', `${title} (${unit})`, 'text title'),
    text((margin.left + width - margin.right) / 2, height - 6, 'middle', of),
    ...x.ticks.map((tick) => text(x.at(tick), bottom + 15, 'middle', format(tick).replace(/\.00$/, ''))),
    ...y.ticks.flatMap((tick) => [
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y.at(tick)}" y2="${y.at(tick)}"/>`,
      text(margin.left - 6, y.at(tick) + 4, 'end', format(tick).replace(/\.00$/, '')),
    ]),
    `<polyline class="line" points="${line}"/>`,
    ...measured.map(([count, figure]) => `<circle class="dot" r="2.6" cx="${x.at(count)}" cy="${y.at(figure)}"/>`),
  ]
  return parts.map((part) => `\n    ${part}`).join('')
}

/** A logarithmic axis from whole powers of ten to whole powers of ten. */
function axis(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
    at: (value: number) => Math.round((from + ((Math.log10(value) - low) / (high - low)) * (to - from)) * 10) / 10,
  }
}

function text(x: number, y: number, anchor: string, content: string, style = 'text'): string {
  return `<text class="${style}" x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`
}
