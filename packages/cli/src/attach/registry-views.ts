/** What `troupe registry` prints for people. */
import type { ShownChange, ShownVersion } from 'troupe/app'
import { formatTable } from '../table.ts'

/** The versions that are kept, the newest first. */
export function historyTable(versions: readonly ShownVersion[]): string {
  return formatTable(
    ['VERSION', 'TIME', 'CHANGES'],
    versions
      .toReversed()
      .map(({ version, time, changes }) => [
        String(version),
        new Date(time).toISOString(),
        changes.length > mostShown
          ? `${changes.length} entries`
          : changes.map(({ op, id }) => `${op} ${id}`).join(', '),
      ]),
  )
}

/** Changes that are listed on a line. */
const mostShown = 8

/** The fields that differ, one a line. */
export function diffText(changes: readonly ShownChange[]): string {
  return changes
    .map(({ op, id, kind, before = {}, after = {} }) => {
      const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
      const differ = (name: string) => JSON.stringify(before[name]) !== JSON.stringify(after[name])
      const lines = names.flatMap((name) =>
        name !== 'id' && differ(name) ? [...lineOf('-', name, before[name]), ...lineOf('+', name, after[name])] : [],
      )
      return [`${op} ${id} (${kind})`, ...lines].join('\n')
    })
    .join('\n')
}

function lineOf(sign: string, name: string, value: unknown): readonly string[] {
  return value === undefined ? [] : [`  ${sign} ${name}: ${JSON.stringify(value)}`]
}
