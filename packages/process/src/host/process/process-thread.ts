/** The kernel's handle of the main thread of an operating-system process. */
import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { TroupeError, unavailable } from '@troupe/core'
import type { Network } from '../../kernel/network/networks.ts'
import { OwnedThread, type Thread, toThread } from '../../worker-threads/thread.ts'
import type { Broken, ChildData } from '../../pipe/messages.ts'
import type { ToKernel } from '../../protocol/kernel-thread.ts'
import { faultIn } from '../../protocol/request-rules.ts'
import { ChildPort } from './child-port.ts'
import { DirectOutput, type PrintChunk } from './direct-output.ts'
import type { Launch } from './launch.ts'
import { type End, endOf, type Report } from './exit-report.ts'

/**
 * Maximum number of connections that were passed to a process and not yet taken. The process may be busy, and the
 * kernel opens no more than this for it at a time.
 */
const maxHanded = 600

export interface ProcessThreadOptions extends Omit<ChildData, 'network'> {
  readonly network?: Network
  readonly launch: Launch
  readonly print: PrintChunk
  readonly onMessage: (thread: Thread, message: ToKernel) => void
  /** The process has ended. Those of its actors that were still alive ended with `error`. */
  readonly onExit: (thread: Thread, error: TroupeError) => void
  /** Writes a log line. */
  readonly warn: (message: string) => void
}

export class ProcessThread extends OwnedThread {
  readonly ready: Promise<void>
  readonly #options: ProcessThreadOptions
  readonly #port: ChildPort
  readonly #exited = Promise.withResolvers<void>()
  readonly #ready = Promise.withResolvers<void>()
  #child: ChildProcess | undefined
  #verdict: TroupeError | undefined
  #end: End | undefined
  #passed = 0
  #handed = 0

  constructor(options: ProcessThreadOptions) {
    const { thread, strict, preload, writes, network, launch } = options
    const port = new ChildPort({
      pass: (handle) => this.#pass(handle),
      onViolation: (what) => {
        this.violated(what)
      },
    })
    super(thread, port, { sealed: true, isolated: true })
    this.#options = options
    this.#port = port
    this.ready = this.#ready.promise
    this.ready.catch(() => undefined)
    if (network !== undefined) this.assign(network)
    port.on('message', (message: ToKernel | Broken | { readonly type: 'ready' }) => {
      if (message.type === 'ready') this.#ready.resolve()
      else if (message.type === 'broken') this.#end ??= { error: message.error }
      else {
        const wrong = faultIn(message)
        if (wrong === undefined) options.onMessage(this, message)
        else this.violated(`broke the protocol: ${wrong}`)
      }
    })
    this.end = (error) => {
      port.close()
      void this.terminate(error)
    }
    const data: ChildData = { thread, strict, preload, writes, ...(network && { network: toThread(network) }) }
    port.postMessage(data)
    if (launch.isReady) this.#start()
    else void this.#startLater(launch)
  }

  async terminate(error: TroupeError): Promise<void> {
    this.#verdict ??= error
    // The process ends together with its launcher.
    this.#child?.kill('SIGKILL')
    await this.#exited.promise
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
    if (!isSocket(stdout) || !isSocket(stderr) || !isSocket(down) || !isSocket(up)) throw unavailable('a process of its own has no pipes')
    const output = new DirectOutput(this.#options.print, stdout, stderr)
    this.#port.attach(down, up)
    for (const pipe of [stdout, stderr, down, up]) pipe.unref()
    child.unref()
    child.channel?.unref()
    child.on('error', (error) => {
      this.#verdict ??= unavailable(`its process does not start: ${error.message}`)
      if (child.pid === undefined) this.#over()
    })
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

  #report({ started, failed, ended }: Report): void {
    if (started?.namespaces === false) this.#options.launch.weaker(started.why ?? '')
    if (failed !== undefined)
      this.#verdict ??= new TroupeError('Unavailable', `its process does not start: ${failed}`, { retryable: false })
    if (ended !== undefined) this.#end ??= { ended }
  }

  #over(): void {
    const error = this.#verdict ?? unavailable('its process has ended')
    this.#port.close()
    this.#ready.reject(error)
    this.#options.onExit(this, error)
    this.#exited.resolve()
  }

  /** Sends a connection to the process. The kernel reads nothing from this pipe. */
  #pass(handle: object): number {
    this.#passed += 1
    this.#handed += 1
    if (this.#handed > maxHanded) this.violated('does not take the connections that it requested')
    const send: unknown = Reflect.get(this.#child ?? {}, 'send')
    const sent = () => {
      this.#handed -= 1
      const close: unknown = Reflect.get(handle, 'close')
      if (typeof close === 'function') Reflect.apply(close, handle, [])
    }
    if (typeof send === 'function') Reflect.apply(send, this.#child, [{ passed: this.#passed }, handle, {}, sent])
    return this.#passed
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
