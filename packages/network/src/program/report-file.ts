/** Appends what threads of a whole program did with the network to one file; its caller reads it at the end. */
import { subscribe } from 'node:diagnostics_channel'
import { fstatSync, readSync, writeSync } from 'node:fs'
import { property } from '../sockets/internals.ts'
import { reportDescriptor } from './descriptors.ts'

/** One thing that happened: a connection by the overlay, one in the clear, or a refusal. */
export interface ReportLine {
  readonly how: 'overlay' | 'clear' | 'refused'
  /** The target, or what was refused. */
  readonly what: string
  /** Why a connection failed. */
  readonly error?: string
}

const encoder = new TextEncoder()

/** Writes each event of this thread: a line is appended at once, so that the end of the process loses none. */
export function reportThread(file = reportDescriptor): void {
  const append = (line: ReportLine) => {
    try {
      writeSync(file, encoder.encode(`${JSON.stringify(line)}\n`))
    } catch {
      // The program closed the descriptor, or the disk is full: its traffic is the same without the report.
    }
  }
  subscribe('troupe:overlay:dial', (event) => {
    const [target, error] = [property(event, 'target'), property(event, 'error')]
    const what = `${String(property(target, 'host'))}:${String(property(target, 'port'))}`
    append({ how: 'overlay', what, ...(error instanceof Error && { error: error.message }) })
  })
  subscribe('troupe:overlay:use', (event) => {
    const error = property(event, 'error')
    const what = String(property(event, 'what'))
    append({ how: 'overlay', what, ...(error instanceof Error && { error: error.message }) })
  })
  subscribe('troupe:overlay:allowed', (event) => append({ how: 'clear', what: String(property(event, 'target')) }))
  subscribe('troupe:overlay:refused', (event) => append({ how: 'refused', what: String(property(event, 'what')) }))
}

/** Reads all lines that threads have appended so far. */
export function readReport(file: number): readonly ReportLine[] {
  const bytes = Buffer.alloc(fstatSync(file).size)
  readSync(file, bytes, 0, bytes.length, 0)
  return bytes.toString('utf8').split('\n').flatMap(parseLine)
}

function parseLine(text: string): readonly ReportLine[] {
  try {
    const value: unknown = JSON.parse(text)
    const [how, what, error] = [property(value, 'how'), property(value, 'what'), property(value, 'error')]
    if ((how !== 'overlay' && how !== 'clear' && how !== 'refused') || typeof what !== 'string') return []
    return [{ how, what, ...(typeof error === 'string' && { error }) }]
  } catch {
    return []
  }
}
