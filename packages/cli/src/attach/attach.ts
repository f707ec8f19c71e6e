/** The commands that look into a running application, and those that steer it. */
import { escapedLines, load, type Observation } from 'troupe/app'
import type { AttachName } from '../help.ts'
import type { AttachOptions } from '../invocation.ts'
import type { Terminal } from '../terminal.ts'
import { actionOf } from './actions.ts'
import { attach, type Client } from './client.ts'
import { dashboardLink } from './dashboard-link.ts'
import { isProfile, writeProfile } from './profile-file.ts'
import { removeStaleFiles } from './stale-files.ts'
import { deadJobTable, queueTable } from './queue-views.ts'
import { diffText, historyTable } from './registry-views.ts'
import {
  connectionTable,
  deadLetterTable,
  overlayTable,
  policyTable,
  poolTable,
  processTable,
  processTree,
  threadTable,
} from './views.ts'

interface View {
  readonly table: (observation: Observation) => string
  /** The part of the document that is printed as JSON. */
  readonly part: (observation: Observation) => unknown
}

const views: Readonly<Partial<Record<AttachName, View>>> = {
  ps: { table: processTable, part: ({ processes }) => processes },
  tree: { table: processTree, part: ({ processes }) => processes },
  overlays: { table: overlayTable, part: ({ overlays, refusals }) => ({ overlays, refusals }) },
  connections: { table: connectionTable, part: ({ connections }) => connections },
  pools: { table: poolTable, part: ({ pools, requestPools, services }) => ({ pools, requestPools, services }) },
  threads: { table: threadTable, part: ({ threads }) => threads },
  policies: { table: policyTable, part: ({ policies }) => policies },
  queues: { table: queueTable, part: ({ queues }) => queues },
  dead: { table: deadLetterTable, part: ({ deadLetters }) => deadLetters },
}

/** Carries out such a command, and returns the exit status. */
export async function attachCommand(options: AttachOptions, terminal: Terminal): Promise<number> {
  const { name } = options
  const action = actionOf(options)
  const { config } = await load(options)
  const { stateDir } = config.networkService
  await removeStaleFiles(stateDir)
  const client = await attach(stateDir, options.pid)
  if (name === 'trace' || name === 'flow')
    return (await import('./recordings.ts')).recordingCommand(options, client, terminal)
  if (name === 'policies' && options.follow)
    return (await import('./follow-policies.ts')).followPolicies(options, client, terminal)
  const isDocument = options.json || terminal.isTerminal !== true
  if (action !== undefined && isProfile(action)) {
    const path = await writeProfile(action, client.pid, await client.profile(action))
    terminal.out(isDocument ? JSON.stringify({ path }, undefined, 2) : path)
  } else if (action !== undefined) await client.act(action)
  else if (name === 'dashboard') terminal.out(await dashboardLink(stateDir, client.pid, options.operands))
  else if (name === 'dead-jobs') await printDeadJobs(client, options.operands, isDocument, terminal)
  else if (name === 'registry') await printRegistry(client, options.operands, isDocument, terminal)
  else if (name === 'top' && !isDocument) return (await import('./top.ts')).top(client)
  else await print(client, views[name], isDocument, terminal)
  return 0
}

async function print(client: Client, view: View | undefined, isDocument: boolean, terminal: Terminal): Promise<void> {
  const observation = await client.observe()
  if (isDocument) terminal.out(JSON.stringify(view === undefined ? observation : view.part(observation), undefined, 2))
  else if (view !== undefined) terminal.out(escapedLines(view.table(observation)))
}

async function printDeadJobs(
  client: Client,
  [, queue = '']: readonly string[],
  isDocument: boolean,
  terminal: Terminal,
): Promise<void> {
  const jobs = await client.deadJobs(queue)
  terminal.out(isDocument ? JSON.stringify(jobs, undefined, 2) : escapedLines(deadJobTable(jobs, Date.now())))
}

async function printRegistry(
  client: Client,
  [what, from = '', to = '']: readonly string[],
  isDocument: boolean,
  terminal: Terminal,
): Promise<void> {
  if (what === 'diff') {
    const changes = await client.diff(from, to)
    terminal.out(isDocument ? JSON.stringify(changes, undefined, 2) : escapedLines(diffText(changes)))
  } else {
    const versions = await client.versions()
    terminal.out(isDocument ? JSON.stringify(versions, undefined, 2) : escapedLines(historyTable(versions)))
  }
}
