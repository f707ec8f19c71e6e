/**
 * Requests of the HTTP client in one thread, by overlay and outcome. The names of the overlays are in the same memory,
 * as codes of characters, so that all of it is numbers.
 */

/** What became of a request. */
export const requestOutcomes = ['2xx', '3xx', '4xx', '5xx', 'failed'] as const

/** What became of a request: the class of its status, or that it got no response. */
export type RequestOutcome = (typeof requestOutcomes)[number]

/** Overlays that are counted apart; the first place is that of the clear network, the last that of the others. */
const named = 4
const places = named + 2
const nameLength = 64
const namesAt = places * requestOutcomes.length

/** Numbers that a table takes. */
export const requestTableSize = namesAt + named * nameLength

/** Requests with one outcome. */
export interface RequestCount {
  /** `null`: the clear network; `other`: those of too many overlays. */
  readonly overlay: string | null
  readonly outcome: RequestOutcome
  readonly count: number
}

/** The outcome of a request. @param status - That of the response; `undefined` when there was none. */
export function outcomeOf(status: number | undefined): RequestOutcome {
  if (status === undefined) return 'failed'
  return requestOutcomes[Math.min(3, Math.max(0, Math.floor(status / 100) - 2))] ?? 'failed'
}

function addRequest(table: Float64Array, overlay: string | null, outcome: RequestOutcome, by = 1): void {
  const at = requestPlace(table, overlay) * requestOutcomes.length + requestOutcomes.indexOf(outcome)
  table[at] = (table[at] ?? 0) + by
}

/** Adds a table to a sum. */
export function addRequests(sum: Float64Array, table: Float64Array): void {
  for (const { overlay, outcome, count } of readRequests(table)) addRequest(sum, overlay, outcome, count)
}

/** Reads a table. A value that no honest thread writes counts as 0, and a name as `other`. */
export function readRequests(table: Float64Array): readonly RequestCount[] {
  return Array.from({ length: places }, (_, place) => {
    const overlay = place === 0 ? null : place > named ? 'other' : nameAt(table, place)
    return requestOutcomes.flatMap((outcome, index) => {
      const count = table[place * requestOutcomes.length + index] ?? 0
      return Number.isFinite(count) && count > 0 ? [{ overlay, outcome, count }] : []
    })
  }).flat()
}

/** The place of an overlay; the first one that is free becomes its own. */
export function requestPlace(table: Float64Array, overlay: string | null): number {
  if (overlay === null) return 0
  if (overlay === 'other' || overlay.length > nameLength) return named + 1
  for (let place = 1; place <= named; place += 1) {
    const name = nameAt(table, place)
    if (name === overlay) return place
    if (name !== '') continue
    for (let index = 0; index < overlay.length; index += 1) table[startOf(place) + index] = overlay.charCodeAt(index)
    return place
  }
  return named + 1
}

function nameAt(table: Float64Array, place: number): string {
  let name = ''
  for (let index = 0; index < nameLength; index += 1) {
    const code = table[startOf(place) + index] ?? 0
    if (code === 0) break
    if (!Number.isInteger(code) || code < 0 || code > 0xff_ff) return 'other'
    name += String.fromCharCode(code)
  }
  return name
}

function startOf(place: number): number {
  return namesAt + (place - 1) * nameLength
}
