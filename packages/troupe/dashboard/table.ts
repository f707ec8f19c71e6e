/** A table of many rows, of which only those in sight are elements. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { html, type View } from './html.ts'

export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => unknown
  /** What rows are sorted by: numbers begin with the largest. Without it, the column does not sort. */
  readonly key?: (row: Row) => number | string
  /** A CSS class of its cells: `number`, `wide`. */
  readonly kind?: string
}

export interface TableOptions<Row> {
  readonly label: string
  readonly rows: readonly Row[]
  readonly columns: readonly Column<Row>[]
  readonly idOf: (row: Row) => string
  /** The name of the column by which rows are sorted first; none: as they come. */
  readonly sortedBy?: string
  readonly selected?: string | undefined
  readonly onSelect?: (id: string) => void
  /** Keys on the selected row, such as the arrows of a tree. Returns true for a key that it has handled. */
  readonly onKey?: (key: string, row: Row) => boolean
  /** The level of a row in a tree, from 1; and whether it is expanded. */
  readonly levelOf?: (row: Row) => number
  readonly isExpanded?: (row: Row) => boolean | undefined
  readonly empty: string
}

/** Pixels; also in style.css. */
const rowHeight = 30
const overscan = 4
const mostRows = 50
let tables = 0

/** A table with sorting, keyboard use, and labels for screen readers. */
export function Table<Row>(options: TableOptions<Row>): View {
  const { label, rows, columns, idOf, sortedBy, selected, onSelect, onKey, levelOf, isExpanded, empty } = options
  const [order, setOrder] = useState({ name: sortedBy ?? '', isReversed: false })
  const [place, setPlace] = useState({ top: 0, height: 600 })
  const [own, setOwn] = useState<string | undefined>()
  const [id] = useState(() => `table-${(tables += 1)}`)
  const box = useRef<HTMLDivElement>(null)
  const sorted = useMemo(() => sortedRows(rows, columns, order), [rows, columns, order])
  const chosen = onSelect === undefined ? own : selected
  const choose = onSelect ?? setOwn

  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const measure = () => {
      setPlace({ top: element.scrollTop, height: element.clientHeight })
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [])

  const first = Math.max(0, Math.min(Math.floor(place.top / rowHeight) - overscan, sorted.length - 1))
  const last = Math.min(sorted.length, first + Math.min(mostRows, Math.ceil(place.height / rowHeight) + 2 * overscan))
  const shown = sorted.slice(first, last)

  const move = (to: number) => {
    const index = Math.max(0, Math.min(to, sorted.length - 1))
    const row = sorted[index]
    const element = box.current
    if (row === undefined || element === null) return
    choose(idOf(row))
    const head = rowHeight
    if (index * rowHeight < element.scrollTop) element.scrollTop = index * rowHeight
    const end = (index + 1) * rowHeight + head
    if (end > element.scrollTop + element.clientHeight) element.scrollTop = end - element.clientHeight
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return
    const at = sorted.findIndex((row) => idOf(row) === chosen)
    const page = Math.max(1, Math.floor(place.height / rowHeight) - 2)
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      j: at + 1,
      k: at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: sorted.length - 1,
    }
    const step = steps[event.key]
    const row = sorted[at]
    if (step !== undefined) move(step)
    else if (row === undefined || onKey?.(event.key, row) !== true) return
    event.preventDefault()
  }
  const isActive = shown.some((row) => idOf(row) === chosen)

  return html`<div
    class="table"
    role=${levelOf ? 'treegrid' : 'grid'}
    aria-label=${label}
    aria-rowcount=${sorted.length + 1}
    aria-colcount=${columns.length}
    aria-activedescendant=${isActive ? `${id}-${chosen}` : undefined}
    tabindex="0"
    ref=${box}
    onKeyDown=${onKeyDown}
  >
    <div class="row head" role="row" aria-rowindex="1">
      ${columns.map((column, index) => heading(column, index, order, setOrder))}
    </div>
    <div class="space" role="rowgroup" style=${`height: ${sorted.length * rowHeight}px`}>
      ${shown.map((row, index) => {
        const key = idOf(row)
        return html`<div
          key=${key}
          id=${`${id}-${key}`}
          class=${`row${key === chosen ? ' selected' : ''}`}
          role="row"
          aria-rowindex=${first + index + 2}
          aria-selected=${key === chosen ? 'true' : 'false'}
          aria-level=${levelOf?.(row)}
          aria-expanded=${isExpanded?.(row)}
          style=${`transform: translateY(${(first + index) * rowHeight}px)`}
          onClick=${() => {
            choose(key)
          }}
        >
          ${columns.map(
            ({ name, cell, kind = '' }) =>
              html`<div key=${name} class=${`cell ${kind}`} role="gridcell">${cell(row)}</div>`,
          )}
        </div>`
      })}
    </div>
    </div>
    ${sorted.length === 0 ? html`<p class="empty">${empty}</p>` : null}`
}

interface Order {
  readonly name: string
  readonly isReversed: boolean
}

function heading<Row>(
  { name, key, kind = '' }: Column<Row>,
  index: number,
  order: Order,
  setOrder: (order: Order) => void,
): View {
  const isSorted = order.name === name
  const isDown = isSorted && !order.isReversed
  const onClick = () => {
    setOrder({ name, isReversed: isSorted && !order.isReversed })
  }
  const arrow = html`<span class="arrow" aria-hidden="true">${isSorted ? (isDown ? '▾' : '▴') : ''}</span>`
  return html`<div
    key=${name}
    class=${`cell ${kind}`}
    role="columnheader"
    aria-colindex=${index + 1}
    aria-sort=${isSorted ? (isDown ? 'descending' : 'ascending') : undefined}
  >
    ${key === undefined ? name : html`<button type="button" onClick=${onClick}>${name}${arrow}</button>`}
  </div>`
}

function sortedRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], order: Order): readonly Row[] {
  const key = columns.find(({ name }) => name === order.name)?.key
  if (key === undefined) return rows
  const keyed = rows.map((row) => [key(row), row] as const)
  const direction = order.isReversed ? -1 : 1
  return keyed.toSorted(([a], [b]) => compare(a, b) * direction).map(([, row]) => row)
}

/** Large numbers first, texts in their order. */
function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a
  return String(a) < String(b) ? -1 : a === b ? 0 : 1
}
