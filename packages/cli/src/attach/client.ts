/** Talks to a running application by its Unix socket. */
import {
  invalid,
  isErrorKind,
  notFound,
  startTimer,
  stopTimer,
  type Timer,
  TroupeError,
  unavailable,
} from '@troupe/core'
import { readFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import {
  attachFiles,
  type DeadJob,
  isAlive,
  type Observation,
  type OperatorAction,
  type PolicyQuestion,
  type ShownChange,
  type ShownVersion,
  type VersionedExplanation,
} from 'troupe/app'

/** A connection to one running application. */
export interface Client {
  /** Its process id. */
  readonly pid: number
  /** @throws TroupeError `Unavailable` when it ended, what the application replied otherwise. */
  observe(rows?: { readonly processes?: number; readonly connections?: number }): Promise<Observation>
  /** The reply to a request for something else. @throws TroupeError like {@link observe}. */
  get(path: string): Promise<unknown>
  /**
   * The lines that the application writes, until it ends or `signal` aborts.
   *
   * @throws TroupeError like {@link observe}.
   */
  lines(path: string, signal: AbortSignal): AsyncIterable<string>
  /** @throws TroupeError like {@link observe}. */
  explain(question: PolicyQuestion): Promise<VersionedExplanation>
  /** @throws TroupeError like {@link observe}. */
  act(action: OperatorAction): Promise<void>
  /** The JSON of a profile. @throws TroupeError like {@link observe}. */
  profile(action: OperatorAction): Promise<Readable>
  /** The versions of the registry, the oldest first. @throws TroupeError like {@link observe}. */
  versions(): Promise<readonly ShownVersion[]>
  /** The dead jobs of a queue, the oldest first. @throws TroupeError like {@link observe}. */
  deadJobs(queue: string): Promise<readonly DeadJob[]>
  /** @throws TroupeError like {@link observe}. */
  diff(from: string, to: string): Promise<readonly ShownChange[]>
}

/** The longest wait for a sign of life, in milliseconds. */
const patience = 10_000

/**
 * Finds the application that runs on this state.
 *
 * @param pid - Its process id, where several run.
 * @param wait - The longest wait for a sign of life, in milliseconds; a reply may take longer. Default: 10 s.
 * @throws TroupeError `NotFound` when none runs, or that one does not, `Invalid` when several do, `PermissionDenied`
 *   when its folder belongs to another user, `Unavailable` when it does not reply.
 */
export async function attach(stateDir: string, pid?: number, wait = patience): Promise<Client> {
  const asked = pid === undefined ? pidsIn(stateDir) : [pid]
  const states = await Promise.all(asked.map(async (each) => stateOf(attachFiles(stateDir, each).socket, wait)))
  // An application that was killed leaves its socket, and another program may have its process id by now.
  const running = asked.filter((_, index) => pid !== undefined || states[index] !== 'gone')
  const [first, second] = running
  if (first === undefined) {
    throw notFound(
      `no application of this folder runs (its state is in ${stateDir}): start it with "troupe run", or set --root`,
    )
  }
  if (second !== undefined)
    throw new TroupeError(
      'Invalid',
      `several applications of this folder run: choose one by --pid ${running.join(', --pid ')}`,
    )
  const files = attachFiles(stateDir, first)
  const token = await readFile(files.token, 'utf8').catch((cause: unknown) => {
    throw notFound(`no application of this folder runs as process ${first}`, { cause: String(cause) })
  })
  const silent = unavailable(`process ${first} does not reply: it is stopped (SIGSTOP), or its main thread is busy`)
  if (states[asked.indexOf(first)] === 'silent') throw silent
  const replied = async (method: string, path: string, body?: unknown) => {
    const [request, response] = reply(files.socket, token, method, path, body)
    using _ = whileSilent(files.socket, wait, () => request.destroy(silent))
    return await response
  }
  const ask = async (method: string, path: string, body?: unknown) => json(await replied(method, path, body))
  return {
    pid: first,
    observe: async ({ processes = 1000, connections = 1000 } = {}) =>
      observationOf(await ask('GET', `/observe?processes=${processes}&connections=${connections}`)),
    get: async (path) => ask('GET', path),
    lines: (path, signal) => linesOf(async () => replied('GET', path), signal),
    explain: async (question) => explanationOf(await ask('POST', '/explain', question)),
    act: async (action) => {
      await ask('POST', '/actions', action)
    },
    // The main thread stands still while its heap is written: that is no reason to give up.
    profile: async (action) => reply(files.socket, token, 'POST', '/actions', action)[1],
    deadJobs: async (queue) => deadJobsOf(await ask('GET', `/dead-jobs?queue=${encodeURIComponent(queue)}`)),
    versions: async () => versionsOf(await ask('GET', '/registry/log')),
    diff: async (from, to) => {
      const query = new URLSearchParams({ from, to })
      return changesOf(await ask('GET', `/registry/diff?${query.toString()}`))
    },
  }
}

function pidsIn(stateDir: string): readonly number[] {
  const folder = join(stateDir, 'running')
  try {
    return readdirSync(folder)
      .flatMap((name) => /^(\d+)\.sock$/.exec(name)?.slice(1) ?? [])
      .map(Number)
      .filter((pid) => isAlive(pid))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    if (code === 'ENOENT') return []
    const kind = code === 'EACCES' ? 'PermissionDenied' : 'Invalid'
    throw new TroupeError(kind, `${folder} cannot be read (${code}): run the command as the user of the application`)
  }
}

/** Whether an application listens at a socket, and replies: any reply to a request without a token. */
async function stateOf(socketPath: string, wait: number): Promise<'gone' | 'silent' | 'replies'> {
  const { promise, resolve } = Promise.withResolvers<'gone' | 'silent' | 'replies'>()
  const asked = request({ socketPath, method: 'HEAD', agent: false }, (response) => {
    response.resume()
    resolve('replies')
  })
  const timer = startTimer(() => {
    resolve('silent')
    asked.destroy()
  }, wait)
  asked.on('error', ({ code }: NodeJS.ErrnoException) => {
    resolve(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'gone' : 'replies')
  })
  asked.end()
  return promise.finally(() => {
    timer.stop()
  })
}

/** Looks for signs of life until disposed, and calls `then` when there is none. */
function whileSilent(socketPath: string, wait: number, then: () => void): Disposable {
  let timer: Timer | undefined
  let isOver = false
  const look = () => {
    void stateOf(socketPath, wait).then((state) => {
      if (isOver) return
      if (state === 'silent') then()
      else timer = startTimer(look, wait)
    })
  }
  timer = startTimer(look, wait)
  return {
    [Symbol.dispose]: () => {
      isOver = true
      stopTimer(timer)
    },
  }
}

function reply(
  socketPath: string,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): readonly [ClientRequest, Promise<Readable>] {
  const { promise, resolve, reject } = Promise.withResolvers<Readable>()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const asked = request({ socketPath, method, path, headers, agent: false }, (response) => {
    if (response.statusCode === 200) resolve(response)
    else
      json(response).then((value) => {
        reject(errorIn(value) ?? invalid(`the application replied ${response.statusCode}`))
      }, reject)
  })
  asked.on('error', (cause) => {
    reject(cause instanceof TroupeError ? cause : unavailable(`the application does not reply: ${cause.message}`))
  })
  asked.end(body === undefined ? undefined : JSON.stringify(body))
  return [asked, promise]
}

/** @throws TroupeError `Unavailable` where the application ends before the reply is complete. */
async function json(response: Readable): Promise<unknown> {
  const whole = await text(response).catch((cause: unknown) => {
    throw unavailable('the application ended while it replied', { cause: String(cause) })
  })
  const value: unknown = JSON.parse(whole)
  return value
}

/** Ends without an error where the application ends: what it wrote until then is complete. */
async function* linesOf(begin: () => Promise<Readable>, signal: AbortSignal): AsyncGenerator<string> {
  const response = await begin()
  const end = () => void response.destroy()
  signal.addEventListener('abort', end)
  let rest = ''
  try {
    if (signal.aborted) return
    for await (const chunk of response.setEncoding('utf8')) {
      const lines = `${rest}${chunk}`.split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch {
    // The response was cut off.
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** The error that the application replied with. */
function errorIn(value: unknown): TroupeError | undefined {
  if (typeof value !== 'object' || value === null || !('error' in value)) return undefined
  const kind = 'kind' in value && isErrorKind(value.kind) ? value.kind : 'Invalid'
  return new TroupeError(kind, String(value.error))
}

function versionsOf(value: unknown): readonly ShownVersion[]
function versionsOf(value: unknown): unknown {
  return value
}

function deadJobsOf(value: unknown): readonly DeadJob[]
function deadJobsOf(value: unknown): unknown {
  return value
}

function changesOf(value: unknown): readonly ShownChange[]
function changesOf(value: unknown): unknown {
  return value
}

function explanationOf(value: unknown): VersionedExplanation
function explanationOf(value: unknown): unknown {
  return value
}

/** The application is of the same version as this program. */
function observationOf(value: unknown): Observation
function observationOf(value: unknown): unknown {
  return value
}
