/** `troupe doctor`. */
import { escapedLines } from 'troupe/app'
import { examine } from '../doctor/examine.ts'
import type { Finding, Severity } from '../doctor/finding.ts'
import { type System, thisSystem } from '../doctor/system.ts'
import type { CommonOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'

/**
 * Prints what may keep an application from working, or from being private, and what to do about it. The status is 1 if
 * there is an error.
 *
 * @param system - The machine to examine. @default this one
 */
export async function doctor(
  options: CommonOptions,
  terminal: Terminal,
  system: System = thisSystem(),
): Promise<number> {
  const { findings, hangs } = await examine(options, system)
  if (hangs) terminal.stuck?.()
  const counts = { error: count(findings, 'error'), warning: count(findings, 'warning'), ok: count(findings, 'ok') }
  if (options.json || terminal.isTerminal === false)
    terminal.out(JSON.stringify({ status: worst(counts), counts, findings }, undefined, 2))
  else {
    for (const finding of findings) terminal.out(textOf(finding))
    terminal.err(`${counted(counts.error, 'error')}, ${counted(counts.warning, 'warning')}, ${counts.ok} ok`)
  }
  return counts.error > 0 ? 1 : 0
}

function textOf({ severity, check, message, where, remedy }: Finding): string {
  const about = where === undefined ? '' : `${where}: `
  const line = `${severity.padEnd(7)}  ${check}: ${about}${message}`
  return escapedLines(remedy === undefined ? line : `${line}\n         remedy: ${remedy.replaceAll('\n', ' ')}`)
}

function worst(counts: Readonly<Record<Severity, number>>): Severity {
  return counts.error > 0 ? 'error' : counts.warning > 0 ? 'warning' : 'ok'
}

function count(findings: readonly Finding[], severity: Severity): number {
  return findings.filter((finding) => finding.severity === severity).length
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
