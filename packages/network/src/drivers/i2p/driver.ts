/** Kernel side of `network.i2p`: it holds the sessions and keeps their keys. Threads open and accept the streams. */
import { type EntryId, nameOf, settledWithin, startTimer, stopTimer, type Timer, TroupeError } from '@troupe/core'
import type { FieldsOf } from '@troupe/registry'
import type { Binding, BindOptions, Capabilities, Overlay, OverlayStatus } from '../../overlay/overlay.ts'
import { OverlayState } from '../../overlay/overlay-state.ts'
import { type OverlayKind, overlayKind, type Site } from '../../overlay/overlay-kind.ts'
import type { Route } from '../../overlay/route.ts'
import { i2pKind } from './config.ts'
import { type Lease, leaseSession, wouldGoOn } from './session-pool.ts'
import { addressName, destinationIn } from './destination.ts'
import { Failures } from './errors.ts'
import { keyPath, readKey } from './key-file.ts'
import { anyPort, type Bridge, i2p, type I2pRoute, type Timeouts } from './route.ts'
import { greeted } from './sam-connection.ts'
import type { Role, Session } from './session.ts'

const capabilities: Capabilities = Object.freeze({ listen: true, tls: false, udp: true })
/** Milliseconds to wait for the first session. Some routers take half a minute; dials wait for it themselves. */
const patience = 5000
/** Milliseconds that a listening session outlives its listener, so that a listener that returns finds it. */
const linger = 60_000

type Fields = FieldsOf<typeof i2pKind>

export const i2pOverlay: OverlayKind = {
  ...overlayKind(i2pKind, async (id, fields, site): Promise<Overlay> => I2pOverlay.open(id, fields, site)),
  async keptAddress(id, stateDir) {
    const destination = destinationIn(readKey(pathOf(id, 'listen', stateDir)) ?? '')
    return destination === undefined ? undefined : addressName(destination)
  },
  listenTime(entries, id) {
    const { connectTimeout, sessionTimeout } = entries.decode(id, i2pKind).fields
    return connectTimeout + sessionTimeout
  },
  held(entries, id, { stateDir }) {
    const { destination } = entries.decode(id, i2pKind).fields
    return destination === 'persistent' ? { path: 'destination', state: pathOf(id, 'listen', stateDir) } : undefined
  },
  async examine(entries, id, { signal }) {
    const { fields } = entries.decode(id, i2pKind)
    const failures = new Failures(id, 'a greeting')
    const greeting = await greeted(bridgeOf(fields), { timeouts: timeoutsOf(fields), failures, signal })
    greeting.close()
    return [{ part: 'the SAM bridge', state: 'up' }]
  },
  exclusive(entries, id, { stateDir }) {
    const { fields } = entries.decode(id, i2pKind)
    const same = (role: Role) => wouldGoOn(pathOf(id, role, stateDir), planOf(id, role, fields))
    // The keys of both roles are held, or released, together.
    const goesOn = same('listen') || (fields.destination === 'persistent' && same('dial'))
    return fields.destination === 'transient' || goesOn ? undefined : pathOf(id, 'listen', stateDir)
  },
}

class I2pOverlay implements Overlay {
  readonly id: EntryId
  readonly kind = i2pKind.kind
  readonly capabilities = capabilities
  readonly identity: string
  readonly route: Route
  readonly #fields: Fields
  readonly #site: Site
  readonly #dials: Lease
  #listener: Promise<Lease> | undefined
  #lingering: Timer | undefined
  /** Whether a listener accepts connections, or is about to. */
  #taken = false
  #closed = false
  readonly #state: OverlayState
  readonly #unsubscribe: (() => void)[] = []
  /** The session of the listener, once it is created. */
  #place: Session | undefined

  private constructor(id: EntryId, fields: Fields, site: Site, dials: Lease) {
    this.id = id
    this.#state = new OverlayState(id, site.log)
    this.#fields = fields
    this.#site = site
    this.#dials = dials
    this.identity = fields.destination ?? 'default'
    const { options, signatureType, udpPort = fields.port - 1 } = fields
    this.route = this.#route({ session: dials.session.id, datagrams: { port: udpPort, signatureType, options } })
    this.#follow(dials.session)
  }

  /**
   * @throws TroupeError `Unavailable` when the router refuses, or cannot be reached. A slow router is no error: dials
   *   wait for it.
   */
  static async open(id: EntryId, fields: Fields, site: Site): Promise<Overlay> {
    const dials = await sessionOf(id, 'dial', fields, site)
    try {
      await settledWithin(dials.session.standing(), patience)
      return new I2pOverlay(id, fields, site, dials)
    } catch (error) {
      await dials[Symbol.asyncDispose]()
      throw error
    }
  }

  /** The key that it holds exclusively; `undefined` while it only dials with a temporary key. */
  get exclusive(): string | undefined {
    const holds =
      this.#fields.destination === 'persistent' ||
      (this.#listener !== undefined && this.#fields.destination !== 'transient')
    return holds ? pathOf(this.id, 'listen', this.#site.stateDir) : undefined
  }

  async check(): Promise<void> {
    await this.#dials.session.standing()
  }

  async status(): Promise<OverlayStatus> {
    const name = this.#place?.address
    const addresses = [name, this.#dials.session.address].filter((address) => address !== undefined)
    return { ...this.#state.view, ...(name !== undefined && { name }), addresses }
  }

  doubt(): void {
    for (const session of this.#sessions) session.doubt()
  }

  async bind({ port, tls = false }: BindOptions): Promise<Binding> {
    if (tls)
      throw this.#error(
        'Invalid',
        `TLS by overlay ${this.id} is not supported: I2P has none. ` +
          'Serve TLS yourself, or none: its streams are encrypted',
      )
    if (this.#closed) throw this.#error('Unavailable', `overlay ${this.id} is out of service`)
    if (this.#taken)
      throw this.#error(
        'AlreadyExists',
        `overlay ${this.id} has a listener already: a destination of I2P is one place, so make another entry`,
      )
    this.#taken = true
    const leave = async () => this.#leave()
    try {
      const { session } = await this.#listen()
      const address = { host: await session.standing(), port: port === 0 ? anyPort : port }
      return {
        listenGrant: Object.freeze({ ...this.#route({ session: session.id }), address }),
        [Symbol.asyncDispose]: leave,
      }
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    stopTimer(this.#lingering)
    await Promise.all([this.#endListener(), this.#dials[Symbol.asyncDispose]()])
  }

  async #listen(): Promise<Lease> {
    stopTimer(this.#lingering)
    const listener = (this.#listener ??= sessionOf(this.id, 'listen', this.#fields, this.#site))
    try {
      const lease = await listener
      if (this.#place !== lease.session) {
        this.#place = lease.session
        this.#follow(lease.session)
      }
      return lease
    } catch (error) {
      if (this.#listener === listener) this.#listener = undefined
      throw error
    }
  }

  #leave(): void {
    this.#taken = false
    stopTimer(this.#lingering)
    this.#lingering = startTimer(() => void this.#endListener(), linger).unref()
  }

  async #endListener(): Promise<void> {
    const listener = this.#listener
    this.#listener = undefined
    this.#place = undefined
    this.#tell()
    const lease = await listener?.catch(() => undefined)
    await lease?.[Symbol.asyncDispose]()
  }

  get #sessions(): readonly Session[] {
    return this.#place ? [this.#place, this.#dials.session] : [this.#dials.session]
  }

  #follow(session: Session): void {
    this.#unsubscribe.push(session.onChange(() => this.#tell()))
    this.#tell()
  }

  /** When one of two sessions is not ready, the overlay is degraded. */
  #tell(): void {
    if (this.#closed) return
    const sessions = this.#sessions
    const wrong = sessions.find(({ state }) => state === 'down') ?? sessions.find(({ state }) => state === 'starting')
    const isPart = wrong?.state === 'down' && sessions.some(({ state }) => state === 'up')
    this.#state.become({ state: isPart ? 'degraded' : (wrong?.state ?? 'up'), reason: wrong?.error?.message })
  }

  #route(config: Pick<I2pRoute, 'session' | 'datagrams'>): Route {
    const { generation } = this.#site
    return Object.freeze({
      overlay: this.id,
      generation,
      driver: i2p,
      config: Object.freeze({ bridge: bridgeOf(this.#fields), timeouts: timeoutsOf(this.#fields), ...config }),
    })
  }

  #error(kind: 'Invalid' | 'AlreadyExists' | 'Unavailable', message: string): TroupeError {
    return new TroupeError(kind, message, { details: { overlay: this.id } })
  }
}

/**
 * Keys for dialling are kept only if the entry requests it; keys for listening are kept unless the entry sets
 * otherwise.
 */
async function sessionOf(id: EntryId, role: Role, fields: Fields, { log, stateDir }: Site): Promise<Lease> {
  const plan = { ...planOf(id, role, fields), log }
  const { destination = role === 'listen' ? 'persistent' : 'transient' } = fields
  return leaseSession(destination === 'persistent' ? pathOf(id, role, stateDir) : undefined, plan)
}

function planOf(overlay: EntryId, role: Role, fields: Fields) {
  const { sessionName: prefix, signatureType, options } = fields
  return { overlay, role, bridge: bridgeOf(fields), prefix, signatureType, options, timeouts: timeoutsOf(fields) }
}

/** The tilde separates the parts, because no name of an entry contains one. */
function pathOf(id: EntryId, role: Role, stateDir: string): string {
  return keyPath(stateDir, role === 'listen' ? nameOf(id) : `${nameOf(id)}~dial`)
}

function bridgeOf({ host, port, username, password }: Fields): Bridge {
  return { host, port, ...(username !== undefined && password !== undefined && { login: { username, password } }) }
}

function timeoutsOf(fields: Fields): Timeouts {
  return {
    connect: fields.connectTimeout,
    session: fields.sessionTimeout,
    dial: fields.dialTimeout,
    firstByte: fields.firstByteTimeout,
    wait: fields.waitTimeout,
  }
}
