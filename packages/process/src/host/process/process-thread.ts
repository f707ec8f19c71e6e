/** The kernel's handle of the main thread of an operating-system process. */
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { type EntryId, startTimer, stopTimer, TroupeError, unavailable } from '@troupe/core'
import type { Network } from '../../kernel/network/networks.ts'
import { OwnedThread, type Thread, toThread, unwaited } from '../../worker-threads/thread.ts'
import { weightOf } from '../../protocol/foreign-handles.ts'
import type { Broken, ChildData } from '../../pipe/messages.ts'
import type { ToKernel } from '../../protocol/kernel-thread.ts'
import { opaqueInMessage } from '../../protocol/opaque-values.ts'
import { faultInBroken } from '../../protocol/request-rules.ts'
import { removeCgroup } from './cgroup.ts'
import { ChildPort, closeHandle } from './child-port.ts'
import { DirectOutput, type PrintChunk } from './direct-output.ts'
import type { Launch } from './launch.ts'
import { type End, endOf, type Report } from './exit-report.ts'

/**
 * Maximum number of connections that were passed to a process and not yet taken. The process may be busy, and the
 * kernel opens no more than this for it at a time.
 */
const maxHanded = 600
/** Milliseconds within which the end of a process is reported after its pipe closed. */
const closedTime = 5000

export interface ProcessThreadOptions extends Omit<ChildData, 'network'> {
  readonly network?: Network
  /** The host or function entry whose code it runs. */
  readonly owner?: EntryId
  readonly launch: Launch
  readonly print: PrintChunk
  /** Describes what is wrong with a message of the process; `undefined` for a valid one. */
  readonly faultIn: (message: unknown) => string | undefined
  readonly onMessage: (thread: Thread, message: ToKernel) => void
  /** The process has ended. Those of its actors that were still alive ended with `error`. */
  readonly onExit: (thread: Thread, error: TroupeError) => void
  /** A thread broke the protocol in what it sent to the process. */
  readonly onPeerBreach: (thread: number, why: string) => void
  /** Reads what the process counted, for a second at most. */
  readonly lastLook: (thread: Thread) => Promise<void>
  /** Writes a log line. */
  readonly warn: (message: string) => void
}

/** The options of a process that depend on its work. @property network - @default assigned with its first work */
export type ProcessStart = Partial<Pick<ProcessThreadOptions, 'preload' | 'network' | 'service' | 'owner'>>

export class ProcessThread extends OwnedThread {
  readonly ready: Promise<void>
  /** Settles with the reason when it has ended. */
  readonly ended: Promise<TroupeError>
  readonly #options: ProcessThreadOptions
  readonly #port: ChildPort
  readonly #ended = Promise.withResolvers<TroupeError>()
  readonly #ready = Promise.withResolvers<void>()
  #child: ChildProcess | undefined
  #verdict: TroupeError | undefined
  #end: End | undefined
  #cgroup: string | undefined
  #isReady = false
  #passed = 0
  /** Connections that were passed on and not yet taken. */
  readonly #handed = new Set<object>()

  constructor(options: ProcessThreadOptions) {
    const {
      thread,
      strict,
      keptBytes = 0,
      gc = false,
      preload,
      writes,
      sample,
      service,
      network,
      launch,
      owner,
    } = options
    const port = new ChildPort({
      pass: (handle) => this.#pass(handle),
      onViolation: (what) => {
        this.violated(what)
      },
      onPeerBreach: options.onPeerBreach,
    })
    super(thread, port, { sealed: true, isolated: true, ...(owner && { owner }) })
    this.#options = options
    this.#port = port
    this.ready = this.#ready.promise
    this.ended = this.#ended.promise
    this.ready.catch(() => undefined)
    if (network !== undefined) this.assign(network)
    port.on('message', (message: ToKernel | Broken) => {
      const isBroken = message.type === 'broken'
      const wrong = isBroken ? this.#faultInBroken(message) : this.#faultIn(message)
      if (wrong !== undefined) this.violated(`broke the protocol: ${wrong}`)
      else if (isBroken) this.#end ??= { error: message.error }
      else if (message.type === 'ready') this.#setReady()
      else options.onMessage(this, message)
    })
    this.end = (error) => {
      port.close()
      void this.terminate(error)
    }
    const data: ChildData = { thread, strict, keptBytes, gc, preload, writes, sample, ...(service && { service }) }
    port.postMessage({ ...data, ...(network && { network: toThread(network) }) })
    if (launch.isReady) this.#start()
    else void this.#startLater(launch)
  }

  #faultIn(message: ToKernel): string | undefined {
    const wrong = this.#options.faultIn(message) ?? opaqueInMessage(message)
    if (wrong !== undefined || message.type !== 'request') return wrong
    return this.accepts(message.number, weightOf(message.ask)) ? undefined : unwaited
  }

  /** It reports this instead of being ready, not later. */
  #faultInBroken(message: Broken): string | undefined {
    return this.#isReady ? 'it was ready, and says that it cannot start' : faultInBroken(message)
  }

  #setReady(): void {
    this.#isReady = true
    this.#ready.resolve()
  }

  async terminate(error: TroupeError): Promise<void> {
    this.#verdict ??= error
    // The process ends together with its launcher.
    this.#child?.kill('SIGKILL')
    await this.#ended.promise
  }

  override async retire(error: TroupeError): Promise<void> {
    if (this.#isReady && this.#verdict === undefined && !this.gone) await this.#options.lastLook(this)
    await this.terminate(error)
  }

  async #startLater(launch: Launch): Promise<void> {
    try {
      await launch.ready()
      if (this.#verdict === undefined) this.#start()
      else this.#over()
    } catch (error) {
      this.#verdict ??= error instanceof TroupeError ? error : unavailable(String(error))
      this.#over()
    }
  }

  #start(): void {
    const child = this.#options.launch.start()
    this.#child = child
    const pipes: readonly unknown[] = child.stdio
    const [, stdout, stderr, , down, up] = pipes
    if (!isSocket(stdout) || !isSocket(stderr) || !isSocket(down) || !isSocket(up))
      throw unavailable('a process of its own has no pipes')
    const output = new DirectOutput(this.#options.print, stdout, stderr)
    down.write(this.#options.launch.pack)
    this.#port.attach(down, up)
    for (const pipe of [stdout, stderr, down, up]) pipe.unref()
    up.once('close', () => {
      this.#awaitEnd(child)
    })
    child.unref()
    child.channel?.unref()
    child.on('error', (error) => {
      this.#verdict ??= unavailable(`its process does not start: ${error.message}`)
      if (child.pid === undefined) this.#over()
    })
    // The reports are the launcher's. Without a launcher this channel is the process's own.
    if (process.platform === 'linux')
      child.on('message', (report: Report) => {
        this.#report(report)
      })
    child.on('exit', (code, signal) => {
      output.end()
      this.#end ??= { ended: { code: code ?? 0, ...(signal !== null && { signal }) } }
    })
    child.on('close', () => {
      this.#verdict ??= endOf(this.#end, output.lastWords)
      this.#over()
    })
  }

  /** A process whose channel is closed has ended, or is ended. */
  #awaitEnd(child: ChildProcess): void {
    const timer = startTimer(() => {
      this.violated('closed its channel to the kernel')
    }, closedTime).unref()
    child.once('close', () => {
      stopTimer(timer)
    })
  }

  #report({ started, failed, ended }: Report): void {
    if (started !== undefined) this.#options.launch.started(started)
    if (started?.cgroup !== undefined) this.#cgroup = started.cgroup
    if (failed !== undefined)
      this.#verdict ??= new TroupeError('Unavailable', `its process does not start: ${failed}`, { retryable: false })
    if (ended !== undefined) this.#end ??= { ended }
  }

  #over(): void {
    const error = this.#verdict ?? unavailable('its process has ended')
    this.#port.close()
    if (this.#cgroup !== undefined) void removeCgroup(this.#cgroup)
    // Node forgets those that wait in the queue of a channel that closes.
    for (const handle of this.#handed) this.#close(handle)
    this.#ready.reject(error)
    this.#options.onExit(this, error)
    this.#ended.resolve(error)
  }

  /** Sends a connection to the process. The kernel reads nothing from this pipe. */
  #pass(handle: object): number {
    this.#passed += 1
    this.#handed.add(handle)
    if (this.#handed.size > maxHanded) this.violated('does not take the connections that it requested')
    const send: unknown = Reflect.get(this.#child ?? {}, 'send')
    const sent = () => {
      this.#close(handle)
    }
    if (typeof send === 'function') Reflect.apply(send, this.#child, [{ passed: this.#passed }, handle, {}, sent])
    return this.#passed
  }

  #close(handle: object): void {
    if (this.#handed.delete(handle)) closeHandle(handle)
  }

  /** Ends the process because it broke the protocol. */
  violated(what: string): void {
    this.#options.warn(`thread ${this.number}, an operating-system process, was ended: it ${what}`)
    this.#port.close()
    void this.terminate(new TroupeError('Internal', `it was ended: it ${what}`))
  }
}

function isSocket(stream: unknown): stream is Socket {
  return stream instanceof Socket
}
