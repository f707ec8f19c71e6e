/** Messages of a thread: between its own processes, and over channels to other threads. */
import { type Frame, invalid, notFound, type Pid, threadOf, TroupeError } from '@troupe/core'
import type { Account } from '../mailbox/account.ts'
import type { Channel } from '../mailbox/channel.ts'
import type { Flow } from '../mailbox/flow.ts'
import type { Letter } from '../mailbox/letter.ts'
import { pack, type Packed, snapshot, type Transfer } from '../mailbox/payload.ts'
import type { DeadLetter, Parcel } from '../protocol.ts'
import type { LocalProcess } from './local-process.ts'
import type { Participant } from './participant.ts'

/** A message to send. */
export interface Outgoing {
  readonly to: Pid
  readonly topic: string
  readonly payload: unknown
  readonly frame: Frame
  readonly transfer: Transfer
}

interface PendingCall {
  readonly callee: Pid
  readonly resolve: (value: unknown) => void
  readonly reject: (error: TroupeError) => void
}

export interface PostOfficeOptions {
  readonly thread: number
  readonly process: (pid: Pid) => LocalProcess | undefined
  readonly channel: (thread: number) => Channel
  readonly onDead: (letter: DeadLetter) => void
  /** A frame came from another thread. */
  readonly onFrame: (frame: Frame, via: number) => void
}

type Of<Op extends Parcel['op']> = Extract<Parcel, { op: Op }>

export class PostOffice {
  readonly #options: PostOfficeOptions
  readonly #calls = new Map<number, PendingCall>()
  readonly #reports: { readonly receiver: LocalProcess; readonly flow: Flow }[] = []
  readonly #accounts = new Map<Pid, Account>()
  #nextCall = 1

  constructor(options: PostOfficeOptions) {
    this.#options = options
  }

  /** Settles when the receiver's mailbox has accepted the message. */
  send(by: Participant, message: Outgoing): Promise<void> {
    return this.#dispatch(by, message, 0)
  }

  /** Answers false where there is no room now. */
  trySend(by: Participant, message: Outgoing): boolean {
    checkTopic(message.topic)
    const { to, topic, frame } = message
    const receiver = this.#options.process(to)
    if (receiver !== undefined) {
      if (!receiver.mailbox.hasRoom(topic)) return false
      receiver.mailbox.put(localLetter(by, message, pack(message.payload, message.transfer), 0))
      return true
    }
    const account = this.#account(to)
    if (account === undefined) return false
    const { payload, transfer } = pack(message.payload, message.transfer)
    if (!account.take(by.pid, topic)) return false
    account.channel.putSend(to, by.pid, topic, frame, payload, 0, transfer)
    return true
  }

  /** Sends, and waits for the reply. Rejects as soon as the callee dies; a reply that comes after `timeout` is dropped. */
  call(by: Participant, message: Outgoing, timeout: number | undefined): Promise<unknown> {
    const number = this.#nextCall
    this.#nextCall += 1
    return new Promise((resolve, reject) => {
      const timer =
        timeout === undefined
          ? undefined
          : setTimeout(() => {
              this.#settle(number)?.reject(new TroupeError('Timeout', `${message.to} did not reply to "${message.topic}" in ${timeout} ms`))
            }, timeout)
      this.#calls.set(number, {
        callee: message.to,
        resolve: (value) => {
          clearTimeout(timer)
          resolve(value)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.#dispatch(by, message, number).catch((error: unknown) => {
        const pending = this.#settle(number)
        if (pending === undefined) return
        pending.reject(error instanceof TroupeError ? error : new TroupeError('Unknown', String(error), { cause: error }))
      })
    })
  }

  /** Carries a reply back to whoever called. */
  answer(to: Pid, call: number, payload: unknown): void {
    const copy = snapshot(payload)
    if (this.#isHere(to)) this.#settle(call)?.resolve(copy)
    else this.#options.channel(threadOf(to)).put({ op: 'reply', call, payload: copy })
  }

  onSend(run: Of<'send'>, channel: Channel): void {
    const frame = channel.decoder.decode(run.frame)
    const receiver = this.#options.process(run.to)
    if (receiver === undefined || receiver.ended || frame === undefined) {
      channel.put({ op: 'closed', pid: run.to, head: 0, others: [] })
      return
    }
    this.#options.onFrame(frame, channel.thread)
    const { from, topic, call } = run
    const flow = receiver.flow(channel.thread)
    for (const payload of run.payloads) {
      const sequence = flow.arrive()
      if (sequence === 0) this.reportFlow(receiver, flow)
      receiver.mailbox.put({ from, topic, payload, call, frame, flow, sequence })
    }
  }

  onReply(parcel: Of<'reply'>): void {
    this.#settle(parcel.call)?.resolve(parcel.payload)
  }

  onFlow(parcel: Of<'flow'>, channel: Channel): void {
    channel.account(parcel.from).report(parcel)
  }

  onClosed(parcel: Of<'closed'>, channel: Channel): void {
    this.#accounts.delete(parcel.pid)
    this.#lose(parcel.pid, channel.closeAccount(parcel.pid, parcel))
    this.failCalls((callee) => callee === parcel.pid, 'it has ended')
  }

  /** Another thread is gone: what its processes had not taken is lost, and who waits for their replies is told. */
  threadGone(channel: Channel, reason: string): void {
    for (const { pid, lost } of channel.closeAll(reason)) {
      this.#accounts.delete(pid)
      this.#lose(pid, lost)
    }
    this.failCalls((callee) => threadOf(callee) === channel.thread, reason)
  }

  /** A process here ended with `letters` untaken. */
  processEnded(ended: LocalProcess, letters: readonly Letter[]): void {
    for (const { from, topic, flow } of letters) {
      if (flow === undefined) this.#options.onDead({ from, to: ended.pid, topic, reason: 'the receiver ended before it took the message' })
    }
    for (const [thread, flow] of ended.flows) {
      const { head, others } = flow.close()
      this.#options.channel(thread).put({ op: 'closed', pid: ended.pid, head, others })
    }
    this.failCalls((callee) => callee === ended.pid, 'it has ended')
  }

  failCalls(concerned: (callee: Pid) => boolean, reason: string): void {
    for (const [number, { callee }] of this.#calls) {
      if (concerned(callee)) this.#settle(number)?.reject(notFound(`process ${callee} is not there: ${reason}`, { pid: callee }))
    }
  }

  /** Reports to a sending thread at the end of this turn, or now when it may be running dry. */
  reportFlow(receiver: LocalProcess, flow: Flow): void {
    const window = windowOf(receiver)
    if (flow.freed > window / 4) {
      const channel = this.#options.channel(flow.thread)
      channel.put({ op: 'flow', from: receiver.pid, ...flow.report(window) })
      channel.flush()
      return
    }
    if (flow.due) return
    flow.due = true
    if (this.#reports.length === 0) process.nextTick(this.#sendReports)
    this.#reports.push({ receiver, flow })
  }

  readonly #sendReports = () => {
    for (const { receiver, flow } of this.#reports.splice(0)) {
      if (!flow.due || receiver.ended) continue
      this.#options.channel(flow.thread).put({ op: 'flow', from: receiver.pid, ...flow.report(windowOf(receiver)) })
    }
  }

  #dispatch(by: Participant, message: Outgoing, call: number): Promise<void> {
    try {
      checkTopic(message.topic)
      const packed = pack(message.payload, message.transfer)
      const receiver = this.#options.process(message.to)
      return receiver === undefined ? this.#ship(by, message, packed, call) : deliver(by, receiver, message, packed, call)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #ship(by: Participant, message: Outgoing, packed: Packed, call: number): Promise<void> {
    const { to, topic, frame } = message
    const account = this.#account(to)
    if (account === undefined) return Promise.reject(missing(to))
    return account.send(by.pid, topic, () => {
      account.channel.putSend(to, by.pid, topic, frame, packed.payload, call, packed.transfer)
    })
  }

  /** The account of a process in another thread; nothing for one that would be here. */
  #account(to: Pid): Account | undefined {
    const known = this.#accounts.get(to)
    if (known !== undefined && !known.closed) return known
    if (this.#isHere(to)) return undefined
    const account = this.#options.channel(threadOf(to)).account(to)
    if (account.closed) this.#accounts.delete(to)
    else this.#accounts.set(to, account)
    return account
  }

  #settle(call: number): PendingCall | undefined {
    const pending = this.#calls.get(call)
    this.#calls.delete(call)
    return pending
  }

  #lose(to: Pid, letters: readonly { readonly from: Pid; readonly topic: string }[]): void {
    for (const { from, topic } of letters)
      this.#options.onDead({ from, to, topic, reason: 'the receiver ended before it took the message' })
  }

  #isHere(to: Pid): boolean {
    return threadOf(to) === this.#options.thread
  }
}

const delivered = Promise.resolve()

/** Room for each sending thread: an equal share of the mailbox. */
function windowOf({ mailbox, flows }: LocalProcess): number {
  return Math.max(1, Math.floor(mailbox.capacity / Math.max(1, flows.size)))
}

function deliver(by: Participant, receiver: LocalProcess, message: Outgoing, packed: Packed, call: number): Promise<void> {
  const letter = localLetter(by, message, packed, call)
  if (receiver.mailbox.hasRoom(message.topic)) {
    receiver.mailbox.put(letter)
    return delivered
  }
  return receiver.mailbox.putWhenRoom(letter).then((accepted) => {
    if (!accepted) throw missing(message.to)
  })
}

function localLetter(by: Participant, { topic, frame }: Outgoing, { payload }: Packed, call: number): Letter {
  return { topic, from: by.pid, payload, frame, call, flow: undefined, sequence: 0 }
}

/** @throws TroupeError `Invalid` for topics that begin with `@`, which the runtime keeps for itself. */
export function checkTopic(topic: unknown): void {
  if (typeof topic !== 'string' || topic === '') throw invalid('a topic is a string that is not empty', { topic })
  if (topic.startsWith('@')) throw invalid(`topic "${topic}" is reserved: topics that begin with "@" belong to the runtime`, { topic })
}

function missing(pid: Pid): TroupeError {
  return notFound(`process ${pid} is not there: it has ended, or never was`, { pid })
}
