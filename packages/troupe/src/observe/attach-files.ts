/** How other programs reach a running application, and what they may ask for. */
import { invalid, privateFolderFault } from '@troupe/core'
import { join } from 'node:path'
import { z } from 'zod'

/** Milliseconds that a profile may take. */
const longestProfile = 600_000
/** A pid, or the id of an entry. Refused actions are written to the log. */
const name = z.string().max(256)

/**
 * The shape of an action. The reply is `{ done: <action> }`; that of a profile is the profile: the JSON of a
 * `.cpuprofile` or a `.heapsnapshot`.
 */
export const operatorAction = z.discriminatedUnion('action', [
  z.strictObject({ action: z.enum(['terminate', 'cancel']), pid: name }),
  z.strictObject({ action: z.enum(['start', 'stop', 'restart']), service: name }),
  z.strictObject({ action: z.literal('close'), thread: z.int().min(0), connection: z.int().min(1) }),
  z.strictObject({ action: z.enum(['dead-replay', 'dead-drop']), id: z.int().min(1) }),
  z.strictObject({ action: z.enum(['job-replay', 'job-drop']), queue: name, id: name.min(1) }),
  z.strictObject({
    action: z.literal('log-level'),
    /** `configured`: as in the configuration. */
    level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent', 'configured']),
    /** Id of an entry or an overlay. */
    entry: name.optional(),
  }),
  z.strictObject({ action: z.literal('registry-rollback'), version: z.int().min(1) }),
  z.strictObject({
    action: z.literal('profile-cpu'),
    thread: z.int().min(0),
    milliseconds: z.int().min(1).max(longestProfile),
  }),
  z.strictObject({ action: z.literal('profile-heap'), thread: z.int().min(0) }),
])

/** What an operator may ask for. */
export type OperatorAction = z.output<typeof operatorAction>

/** The files by which a running application is reached, for its process id. */
export interface AttachFiles {
  /** The path of the Unix socket. */
  readonly socket: string
  /** The path of the file with the token. */
  readonly token: string
  /** Where the dashboard is, with its tokens: the JSON of a {@link DashboardPlace}. */
  readonly dashboard: string
}

/** Where a dashboard is, and its tokens. */
export interface DashboardPlace {
  /** `http://127.0.0.1:9465/`, or `unix:` and the path of a socket. */
  readonly url: string
  /** The URL with the token of operators, which may change the application. */
  readonly operator: string
  /** The URL with the token of readers. */
  readonly reader: string
}

/**
 * Returns the files by which a running application is reached, for its process id.
 *
 * @example
 * ```ts
 * const { config } = await load({ root: '.' })
 * const { socket } = attachFiles(config.networkService.stateDir, 4711) // …/running/4711.sock
 * ```
 */
export function attachFiles(stateDir: string, pid: number): AttachFiles {
  const folder = join(stateDir, 'running')
  return {
    socket: join(folder, `${pid}.sock`),
    token: join(folder, `${pid}.token`),
    dashboard: join(folder, `${pid}.dashboard`),
  }
}

/**
 * Makes the folder of these files, if it is not there.
 *
 * @throws TroupeError `Invalid` where others can enter it.
 */
export function prepareFolder(folder: string): void {
  const fault = privateFolderFault(folder)
  if (fault === undefined) return
  const advice = 'or set another network_service.state_dir'
  throw invalid(`${folder} must be a folder that only this user can enter: ${fault}, ${advice}`)
}
