/** The page about errors: kinds and codes from the sources, with what to do about each. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getSystemErrorMap } from 'node:util'
import { type ErrorKind, isErrorKind, TroupeError } from '../packages/core/src/index.ts'
import { statusOf } from '../packages/http/src/server/request/problem.ts'
import { unionMembers } from './reference-sources.ts'

const advice: Readonly<Record<ErrorKind, string>> = {
  NotFound:
    'Check the id or the name; the message suggests a similar one where there is one. Where policies apply, check ' +
    'that the caller has permission to see it: `troupe explain` prints the decision.',
  AlreadyExists: 'Choose another name or address, or end the owner: `troupe ps` lists the processes and their names.',
  Invalid:
    'Correct the value that the message names. The same call fails again, so it is not retried. `troupe check` ' +
    'finds such values in files before the application runs.',
  PermissionDenied:
    'Allow the action by a policy ([permissions](permissions.md)), or do the work where it is allowed. `troupe ' +
    'explain` prints which policy decided. The [codes](#codes) name refusals of a network or a host.',
  Unavailable:
    'Try again later, with a growing delay: supervisors and queues do. `details` names what is unavailable. ' +
    '`troupe overlays` prints the states of overlays; the log has each failure of a service.',
  Internal:
    'A thread ended (out of heap, `process.exit`), or Troupe has a fault. The cause has the details. Raise the heap ' +
    'of the host if it ran out; otherwise report the error with its stack.',
  Canceled: 'Nothing, if the work was to end. The message, or the cause, states who cancelled it.',
  Conflict: 'Read the current state, and decide again whether the change is still wanted.',
  Timeout:
    'Try again, or allow more time: the message names the limit that passed. The work may have been done: repeat ' +
    'only what can be repeated safely.',
  RateLimited: 'Try again later, send less at a time, or raise the limit that the message names.',
  Unknown:
    'Correct the code that threw it. Name, message, fields, causes and stack are those of the original error. Throw ' +
    'a `TroupeError` where callers must tell errors apart.',
}

interface Code {
  readonly code: string
  readonly kinds: string
  readonly meaning: string
  readonly advice: string
}

const codes: readonly Code[] = [
  {
    code: 'EOVERLAY',
    kinds: '`PermissionDenied`; of a connection also `NotFound` and `Invalid`',
    meaning:
      'The network of the thread cannot carry this, or the overlay refuses the target. Nothing was sent past it.',
    advice:
      'Use what the message names instead; [ways out](../ways-out.md) lists all that an overlay refuses. Work that ' +
      'must use the clear network chooses it explicitly, with `network: null`.',
  },
  {
    code: 'ESEALED',
    kinds: '`PermissionDenied`',
    meaning: 'A sealed host does not allow it: its threads have no network, and nothing that leads to one.',
    advice:
      'Use a TCP connection, which the kernel opens and hands over, or run the work in a host that is not sealed.',
  },
  {
    code: 'EUNBOUND',
    kinds: '`PermissionDenied`',
    meaning: 'The thread has no network yet, so it opens no connection.',
    advice: 'Do the work in a process or a function, or after `boot` or `start`.',
  },
  {
    code: 'ENETWORK',
    kinds: '`PermissionDenied`, `Invalid` or `Unavailable`',
    meaning:
      'It belongs to another network than the thread, the process or the job: a message that its receiver does not ' +
      'accept, a value that carries work, a second network for one thread, or an overlay that leads elsewhere by now.',
    advice:
      'Let the receiver accept the network (`accepts`), send plain data, or do the work in a process of that ' +
      'network. See ' +
      '[what crosses from one network to another](../overlays.md#what-crosses-from-one-network-to-another).',
  },
]

/** Returns the parts of the page. */
export function errorsParts(root: string): readonly string[] {
  const kinds = unionMembers(root, 'packages/core/src/errors.ts', /export type ErrorKind =([^]*?)\n\n/)
  return [
    'Each `TroupeError` has a `kind`, `retryable`, `details` and, where another error is the reason, a `cause`. The ' +
      'set of kinds is closed. A service that ends with `retryable: false` set by its thrower is not restarted. The ' +
      'command line prints the word to look up: `see: troupe docs Unavailable`.',
    '## Kinds',
    table(
      ['kind', 'retryable', 'status of an HTTP response'],
      kinds.map(([kind]) => [`[${kind}](#${kind.toLowerCase()})`, retryable(kind), String(statusOfKind(kind))]),
    ),
    ...kinds.flatMap(([kind, about]) => [
      `### \`${kind}\``,
      `${about} ${retryable(kind) === 'yes' ? 'It is retryable.' : 'It is not retryable.'}`,
      `What to do: ${isErrorKind(kind) ? advice[kind] : ''}`,
    ]),
    '## Codes',
    'Some errors have a `code`, as a field of the error or in its `details`. Errors of sockets have the codes of ' +
      'Node, which libraries look for: `ECONNREFUSED` and others from the reply of a proxy, `ETIMEDOUT` for ' +
      '`Timeout`, `ECONNABORTED` for `Canceled`, `EACCES` for a policy that denies a socket, and `ECONNRESET` for ' +
      'other failures. These codes are of Troupe:',
    ...codes.flatMap(({ code, kinds: of, meaning, advice: what }) => [
      `### \`${code}\``,
      `Kind: ${of}. ${meaning}`,
      `What to do: ${what}`,
    ]),
    '## Problems of files',
    'An `Invalid` about the files of an application has a list `details.problems`: each with a `code`, a message ' +
      'and, where it is known, a position. `troupe check --json` prints them.',
    table(['code', 'meaning'], problemCodes(root)),
  ]
}

function problemCodes(root: string): readonly (readonly [string, string])[] {
  const all = [
    ...unionMembers(root, 'packages/registry/src/schema/diagnostic.ts', /export type DiagnosticCode =([^]*?)\n\n/),
    ...unionMembers(root, 'packages/cli/src/modules/diagnostic.ts', /readonly code:\n([^]*?)readonly severity/),
  ]
  return all.map(([code, about]) => [`\`${code}\``, about])
}

/** Returns the codes that sources give to errors and that are neither of Node nor on the page. */
export function codesWithoutSection(root: string): readonly string[] {
  const known = new Set([...codes.map(({ code }) => code), 'ENOTFOUND'])
  for (const [name] of getSystemErrorMap().values()) known.add(name)
  const sources = globSync('packages/*/src/**/*.ts', { cwd: root, exclude: ['**/*.test.ts', '**/testing/**'] })
  const given = sources.flatMap((file) =>
    Array.from(readFileSync(join(root, file), 'utf8').matchAll(/\bcode: '(E[A-Z]+)'/g), ([, code = '']) => code),
  )
  return [...new Set(given)].filter((code) => !known.has(code)).toSorted()
}

function retryable(kind: string): string {
  return isErrorKind(kind) && new TroupeError(kind, '').retryable ? 'yes' : 'no'
}

function statusOfKind(kind: string): number | undefined {
  return isErrorKind(kind) ? statusOf(new TroupeError(kind, '')) : undefined
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n')
}
