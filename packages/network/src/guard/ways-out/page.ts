/** The table of ways out as a page of the docs. */
import { titleOf } from '../denied-apis.ts'
import { knownNames } from './known.ts'
import { refusedWays } from './refused.ts'

/** Generates `docs/ways-out.md`; a test compares the file with it. */
export function waysOutPage(): string {
  return `# Ways out of Node

Everything that Node 24.21 and 26.10 offer to code is classified by name: exports of builtin modules, globals,
\`process\`, and the members of classes and objects among them. A name is *refused*, *routed* or *harmless*. This
page lists the first two. It is generated from \`packages/network/src/guard/ways-out/\` by

\`\`\`sh
npx vitest run --project unit packages/network/src/guard/ways-out.test.ts -u
\`\`\`

A test fails where Node has a name that the table does not know.

## Refused

In an overlay these fail with a \`TroupeError\` of kind \`PermissionDenied\` and code \`EOVERLAY\`. It names the
overlay and the alternative. In a sealed host the code is \`ESEALED\`, in the clear too. Elsewhere in the clear
they are Node's own.

${table(['name', 'refused', 'instead'], refusedRows())}

## Routed

${table(['name', 'how'], routedRows())}

All other names are harmless: they compute, read files, or look at what the thread has.
`
}

function refusedRows(): readonly (readonly string[])[] {
  const rows = new Map<string, readonly string[]>()
  for (const { module, names, advice, only } of refusedWays) {
    const titles = listed(module, names)
    const [known = '', when = only?.when ?? 'always'] = rows.get(advice + (only?.when ?? '')) ?? []
    rows.set(advice + (only?.when ?? ''), [known === '' ? titles : `${known}, ${titles}`, when, advice])
  }
  return [...rows.values()]
}

function routedRows(): readonly (readonly string[])[] {
  const rows = new Map<string, readonly string[]>()
  for (const [module, { routed = {} }] of Object.entries(knownNames)) {
    for (const [how, names] of Object.entries(routed)) rows.set(how, [...(rows.get(how) ?? []), listed(module, names)])
  }
  return Array.from(rows, ([how, names]) => [names.join(', '), how])
}

function listed(module: string, names: string): string {
  return names
    .split(' ')
    .map((name) => `\`${titleOf(module, name)}\``)
    .join(', ')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
