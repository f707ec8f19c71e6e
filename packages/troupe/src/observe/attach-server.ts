/**
 * Lets the user who runs an application look into it and steer it: a Unix socket in the state folder, which only that
 * user can enter, and a token in a file beside it that only that user can read. It speaks HTTP and serves nothing else.
 * HTTP is loaded with the first connection.
 */
import { asTroupeError, type EntryId, entryId, invalid, notFound } from '@troupe/core'
import { listenOwn } from '@troupe/network/kernel'
import { randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { Readable } from 'node:stream'
import type { DeadJob } from '@troupe/queue/kernel'
import type { AppConfig } from '@troupe/registry'
import { redactedText } from '../log/redact.ts'
import { attachFiles, operatorAction, prepareFolder } from './attach-files.ts'
import { isRecordingPath, recorded } from './attach-recordings.ts'
import { hasToken } from './bearer-token.ts'
import { decisionStream } from './decision-stream.ts'
import { explanation, parseQuestion, type VersionedExplanation } from './explanation.ts'
import type { Observation, ObserveOptions } from './observation.ts'
import { type Operable, OperatorActions } from './operator-actions.ts'
import { registryDiff } from './registry-diff.ts'

/** Longest path of a Unix socket, in bytes. */
const longestPath = 107
const tokenBytes = 32
const mostBody = 64 << 10
const socketMode = 0o600

/** The sockets of the applications of this program. */
const inUse = new Set<string>()

/** The application that it belongs to. */
export interface Attachable extends Operable {
  readonly config: AppConfig
  observe(options: ObserveOptions): Promise<Observation>
}

export class AttachServer implements AsyncDisposable {
  readonly #app: Attachable
  readonly #actions: OperatorActions
  readonly #server: Server
  readonly #files: ReturnType<typeof attachFiles>
  readonly #token = randomBytes(tokenBytes).toString('hex')
  /** HTTP does not know the sockets of a server that it did not open. */
  readonly #sockets = new Set<Socket>()
  #http: Promise<HttpServer> | undefined

  private constructor(app: Attachable) {
    this.#app = app
    this.#actions = new OperatorActions(app)
    this.#files = attachFiles(app.config.networkService.stateDir, process.pid)
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      this.#http ??= this.#loadHttp()
      void this.#http.then((http) => http.emit('connection', socket))
    })
  }

  /**
   * Starts to listen, and writes the token.
   *
   * @throws TroupeError `Invalid` where the folder is not this user's alone, or its path is too long for a socket.
   */
  static async start(app: Attachable): Promise<AttachServer> {
    const attach = new AttachServer(app)
    const { socket } = attach.#files
    const folder = join(socket, '..')
    if (Buffer.byteLength(socket) > longestPath)
      throw invalid(`${socket} is too long for a Unix socket: set a shorter network_service.state_dir`)
    prepareFolder(folder)
    if (inUse.has(socket))
      throw invalid(`another application of this program has ${socket}: set a network_service.state_dir of its own`)
    inUse.add(socket)
    try {
      await attach.#listen()
      return attach
    } catch (error) {
      inUse.delete(socket)
      await attach.#removeFiles()
      throw error
    }
  }

  async #listen(): Promise<void> {
    const { socket, token } = this.#files
    // What an earlier program with this process id has left.
    await Promise.all([socket, token].map(async (file) => rm(file, { force: true })))
    await writeFile(token, this.#token, { mode: socketMode, flag: 'wx' })
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).once('listening', () => {
        // Such as too many open files, when it accepts a connection.
        this.#server.off('error', reject).on('error', (error) => {
          this.#app.kernel.note('a program could not attach to this application', { level: 'warn', error })
        })
        resolve()
      })
      listenOwn(this.#server, socket)
    })
    this.#server.unref()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve)
      for (const socket of this.#sockets) socket.destroy()
    })
    await this.#removeFiles()
    inUse.delete(this.#files.socket)
  }

  /** Files that cannot be removed, such as in a folder that is read-only by now, do no harm: nothing listens there. */
  async #removeFiles(): Promise<void> {
    await Promise.allSettled([this.#files.socket, this.#files.token].map(async (file) => rm(file, { force: true })))
  }

  async #loadHttp(): Promise<HttpServer> {
    const http = await import('node:http')
    return http.createServer((request, response) => void this.#handle(request, response))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (!hasToken(request.headers.authorization, this.#token))
        respond(response, 401, { kind: 'PermissionDenied', error: 'a token is required' })
      else respond(response, 200, await this.#reply(request))
    } catch (cause) {
      const error = asTroupeError(cause)
      respond(response, error.kind === 'NotFound' ? 404 : 400, {
        kind: error.kind,
        error: redactedText(error.message, this.#app.kernel.registry.env.secrets),
      })
    }
  }

  async #reply(request: IncomingMessage): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    const limit = (name: string) => {
      const value = Number(searchParams.get(name) ?? 1000)
      if (Number.isInteger(value) && value >= 0) return value
      throw invalid(`${name} is not a number of rows`)
    }
    if (request.method === 'GET' && pathname === '/observe')
      return this.#app.observe({ processes: limit('processes'), connections: limit('connections') })
    if (request.method === 'GET' && isRecordingPath(pathname)) {
      const gone = new AbortController()
      request.socket.once('close', () => {
        gone.abort()
      })
      return recorded(this.#app.kernel, pathname, searchParams, gone.signal)
    }
    if (request.method === 'POST' && pathname === '/actions') {
      const asked = operatorAction.safeParse(JSON.parse(await bodyOf(request)))
      if (!asked.success) throw invalid(`that is no action: ${z.prettifyError(asked.error)}`)
      return (await this.#actions.carryOut(asked.data)) ?? { done: asked.data }
    }
    if (request.method === 'GET' && pathname === '/dead') {
      const { deadLetters } = await this.#app.observe({ processes: 0, connections: 0 })
      return deadLetters
    }
    if (request.method === 'GET' && pathname === '/dead-jobs')
      return this.#deadJobs(entryId(searchParams.get('queue') ?? ''))
    const { kernel } = this.#app
    const { registry, security } = kernel
    if (request.method === 'GET' && pathname === '/decisions') {
      kernel.note('operator: policies --follow', { level: 'warn', always: true })
      return decisionStream(security, () => registry.env.secrets)
    }
    if (request.method === 'POST' && pathname === '/explain') {
      const question = parseQuestion(JSON.parse(await bodyOf(request)))
      const explained: VersionedExplanation = {
        registryVersion: registry.version(),
        ...explanation(security, question),
      }
      return explained
    }
    if (request.method === 'GET' && pathname === '/registry/log') return registry.history()
    if (request.method === 'GET' && pathname === '/registry/diff')
      return registryDiff(registry, Number(searchParams.get('from')), Number(searchParams.get('to')))
    throw notFound(`there is no ${request.method} ${pathname}`)
  }

  async #deadJobs(queue: EntryId): Promise<readonly DeadJob[]> {
    const { queues, kernel } = this.#app
    const shown = (text: string) => redactedText(text, kernel.registry.env.secrets)
    return (await queues.deadJobs(queue)).map((job) => ({
      ...job,
      errors: job.errors.map((error) => ({ ...error, message: shown(error.message) })),
    }))
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > mostBody) throw invalid('the request is too large')
  }
  return body
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  if (body instanceof Readable) {
    // The other side sees that it is incomplete.
    body.on('error', () => response.destroy()).pipe(response)
    response.once('close', () => body.destroy()).flushHeaders()
    return
  }
  response.end(`${JSON.stringify(body)}\n`)
}
