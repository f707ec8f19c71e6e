/** For tests: a router with sessions, streams between them, and names, behind a SAM bridge. */
import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { toB32 } from '@diva.exchange/i2p-sam'
import { destinationIn } from '../destination.ts'
import { privateKey } from './sample.ts'
import { greeting, type Script, ScriptedBridge } from './scripted-bridge.ts'

interface Held {
  readonly key: string
  readonly control: Socket
  /** Its destination is gone. */
  isLost?: boolean
  /** Where its streams are forwarded. */
  forward?: { readonly port: number; readonly socket: Socket }
}

interface Gate {
  isOpen: boolean
  isForgetful?: boolean
}

export class FakeRouter implements AsyncDisposable {
  readonly bridge: ScriptedBridge
  readonly sessions: Map<string, Held>
  readonly #gate: Gate

  private constructor(bridge: ScriptedBridge, sessions: Map<string, Held>, gate: Gate) {
    this.bridge = bridge
    this.sessions = sessions
    this.#gate = gate
  }

  /** Whether the router does not notice that a connection has ended. */
  set forgetful(isForgetful: boolean) {
    this.#gate.isForgetful = isForgetful
  }

  /** Whether the router accepts logins. */
  set admits(isOpen: boolean) {
    this.#gate.isOpen = isOpen
  }

  /**
   * Removes the destinations of all sessions, as i2pd does with those that return too soon: their connections stay
   * open.
   */
  lose(): void {
    for (const session of this.sessions.values()) session.isLost = true
  }

  static async start({
    port = 0,
    names = {},
  }: {
    port?: number
    names?: Readonly<Record<string, string>>
  } = {}): Promise<FakeRouter> {
    const sessions = new Map<string, Held>()
    const gate = { isOpen: true }
    return new FakeRouter(await ScriptedBridge.start(router(sessions, names, gate), { port }), sessions, gate)
  }

  get port(): number {
    return this.bridge.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bridge[Symbol.asyncDispose]()
  }
}

function router(sessions: Map<string, Held>, names: Readonly<Record<string, string>>, gate: Readonly<Gate>): Script {
  const found = (wanted: string) =>
    [...sessions.values()].find(({ key }) => {
      const destination = destinationIn(key) ?? ''
      return [destination, `${toB32(destination)}.b32.i2p`].includes(wanted)
    })
  return (line, say, socket) => {
    const word = (name: string) => new RegExp(`${name}=(\\S+)`).exec(line)?.[1] ?? ''
    const held = sessions.get(word('ID'))
    if (line.startsWith('HELLO'))
      say(gate.isOpen ? greeting : 'HELLO REPLY RESULT=I2P_ERROR MESSAGE="Authorization failed"\n')
    else if (line.startsWith('DEST GENERATE')) say(`DEST REPLY PUB=x PRIV=${privateKey(randomUUID())}\n`)
    else if (line.startsWith('NAMING')) {
      const destination = names[word('NAME')]
      say(
        destination === undefined
          ? `NAMING REPLY RESULT=KEY_NOT_FOUND NAME=${word('NAME')}\n`
          : `NAMING REPLY RESULT=OK NAME=${word('NAME')} VALUE=${destination}\n`,
      )
    } else if (line.startsWith('SESSION CREATE')) {
      if (held) {
        say('SESSION STATUS RESULT=DUPLICATED_ID\n')
        return
      }
      const key = word('DESTINATION') === 'TRANSIENT' ? privateKey(randomUUID()) : word('DESTINATION')
      const session: Held = { key, control: socket }
      sessions.set(word('ID'), session)
      socket.on('close', () => {
        if (gate.isForgetful === true) return
        sessions.delete(word('ID'))
        session.forward?.socket.destroy()
      })
      say(`SESSION STATUS RESULT=OK DESTINATION=${key}\n`)
    } else if (held === undefined || held.isLost === true) say('STREAM STATUS RESULT=INVALID_ID\n')
    else if (line.startsWith('STREAM FORWARD')) {
      if (held.forward) {
        say('SESSION STATUS RESULT=I2P_ERROR MESSAGE="Already accepting"\n')
        return
      }
      held.forward = { port: Number(word('PORT')), socket }
      socket.on('close', () => delete held.forward)
      say('STREAM STATUS RESULT=OK\n')
    } else {
      const target = found(word('DESTINATION')) ?? found(names[word('DESTINATION')] ?? '')
      if (target === undefined) say('STREAM STATUS RESULT=CANT_REACH_PEER\n')
      else {
        say('STREAM STATUS RESULT=OK\n')
        if (target.forward) join(socket, target.forward.port, destinationIn(held.key) ?? '')
      }
    }
  }
}

/** From here on, the bridge passes the bytes to the other side instead of parsing lines. */
function join(socket: Socket, port: number, visitor: string): void {
  socket.removeAllListeners('data')
  const far = connect({ port, host: '127.0.0.1' })
  socket.on('close', () => far.destroy())
  far
    .on('error', () => socket.destroy())
    .on('close', () => socket.destroy())
    .write(`${visitor}\n`)
  socket.pipe(far).pipe(socket)
}
