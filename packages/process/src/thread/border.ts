/**
 * What is taken from another thread. It may be run by code that means no good, so nothing rests on its honesty: it does what the kernel
 * says that it may do, in an overlay that the kernel says it can be in.
 */
import { type EntryId, type Frame, fork, type Pid } from '@troupe/core'
import { checkCrossing, checkEncodable } from '../crossing.ts'
import type { Accepts, Parcel, PeerNetwork, Standing } from '../protocol.ts'

/** Parcels held while the kernel is asked; beyond, the other thread is taken for one that floods. */
const maxHeld = 4096

export interface BorderOptions {
  readonly standing: Standing
  readonly network: PeerNetwork
  /** Asks the kernel whether the other thread may do `action` to a process here. */
  readonly vouch: (action: string, target: Pid) => void
  readonly pass: (parcel: Parcel) => void
  /** What is not taken: it may hold letters. */
  readonly refuse: (parcel: Parcel) => void
}

export class Border {
  readonly #options: BorderOptions
  readonly #vouched = new Map<string, boolean>()
  readonly #asked = new Set<string>()
  #standing: Standing
  readonly #held: Parcel[] = []
  readonly #waiting: (() => void)[] = []
  /** The last frame that was put back into its overlay: most messages of a sender come in one. */
  #moved: { readonly from: Frame; readonly to: Frame } | undefined

  constructor(options: BorderOptions) {
    this.#options = options
    this.#standing = options.standing
  }

  /** Takes a parcel, in order, or refuses it. */
  take(parcel: Parcel): void {
    if (this.#held.length > 0) this.#hold(parcel)
    else if (!this.#tryTake(parcel)) this.#hold(parcel)
  }

  /** Settles when nothing is held any more; returns nothing when nothing is. */
  passed(): Promise<void> | undefined {
    if (this.#held.length === 0) return undefined
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** The kernel's answer. */
  onVouched(action: string, target: Pid, may: boolean): void {
    this.#vouched.set(`${action} ${target}`, may)
    this.#asked.delete(`${action} ${target}`)
    this.#goOn()
  }

  onStanding(standing: Standing): void {
    this.#standing = standing
    this.#goOn()
  }

  /** The policies have changed. */
  forget(): void {
    this.#vouched.clear()
    this.#asked.clear()
    this.#goOn()
  }

  /** The overlay of the other thread; `null` is the clear network. */
  get overlay(): EntryId | null {
    return this.#options.network.overlay
  }

  /** Whether the other thread runs in another network. */
  get leadsElsewhere(): boolean {
    return !this.#options.network.isOwn
  }

  /**
   * Checks what is sent to the other thread.
   *
   * @param isReply - See `checkCrossing`.
   * @throws TroupeError `Invalid`, with the path.
   */
  check(value: unknown, path: string, isReply = false): void {
    const { isOwn, encoded } = this.#options.network
    if (encoded === true) checkEncodable(value, path)
    else if (!isOwn) checkCrossing(value, path, isReply)
  }

  /** Whether a process here that accepts messages from such overlays takes those of the other thread. */
  isAccepted(accepts: Accepts): boolean {
    const { isOwn, overlay } = this.#options.network
    return isOwn || overlay === null || accepts === 'any' || accepts.includes(overlay)
  }

  /** The frame of a message from there: its network is the one that the kernel says, whatever the message says. */
  frameOf(frame: Frame): Frame {
    const { overlay } = this.#options.network
    if (overlay === null ? typeof frame.overlay !== 'string' : frame.overlay === overlay) return frame
    // Where nothing was chosen, the thread is in the application's default.
    if (frame.overlay === undefined) return frame
    if (this.#moved?.from !== frame) this.#moved = { from: frame, to: fork(frame, { overlay }) }
    return this.#moved.to
  }

  #hold(parcel: Parcel): void {
    if (this.#held.length < maxHeld) this.#held.push(parcel)
    else this.#options.refuse(parcel)
  }

  #goOn(): void {
    while (this.#held.length > 0) {
      const [next] = this.#held
      if (next === undefined || !this.#tryTake(next)) return
      this.#held.shift()
    }
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Answers false when the kernel has to be asked first. */
  #tryTake(parcel: Parcel): boolean {
    const may = this.#standing.governed ? this.#may(parcel) : true
    if (may === undefined) return false
    if (may) this.#options.pass(parcel)
    else this.#options.refuse(parcel)
    return true
  }

  #may(parcel: Parcel): boolean | undefined {
    const action = actionOf(parcel)
    if (action === undefined || !('target' in parcel || 'to' in parcel)) return true
    const target = 'target' in parcel ? parcel.target : parcel.to
    const key = `${action} ${target}`
    const known = this.#vouched.get(key)
    if (known === undefined && !this.#asked.has(key)) {
      this.#asked.add(key)
      this.#options.vouch(action, target)
    }
    return known
  }
}

function actionOf(parcel: Parcel): string | undefined {
  switch (parcel.op) {
    case 'send':
    case 'monitor':
    case 'unmonitor':
    case 'link':
    case 'unlink':
      return `process.${parcel.op}`
    default:
      return undefined
  }
}
