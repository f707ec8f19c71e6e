/** One request to the sidecar, on its own connection to the data socket. */
import { nodeTimeout, startDeadline, stopTimer } from '@troupe/core'
import type { Socket } from 'node:net'
import { connectOwn } from '../../sockets/own-sockets.ts'
import type { DialOptions } from '../../overlay/overlay.ts'
import type { Route } from '../../overlay/route.ts'
import type { Failures } from './errors.ts'
import { type Fields, FirstLine, NoLine, readAnswer, readFields } from './json-line.ts'
import { nodeOf } from './route.ts'

const defaultTimeout = 30_000

export interface SidecarRequest<T> {
  readonly op: 'dial' | 'packet' | 'resolve' | 'reverse'
  readonly fields: Fields
  /** Extracts the requested value from the reply; `undefined` if it is absent. */
  readonly read: (answer: Fields) => T | undefined
  readonly failures: Failures
}

export interface Granted<T> {
  /** The data that follows the reply is unread. */
  readonly socket: Socket
  readonly answer: T
}

/** @throws TroupeError as the sidecar refuses; `Unavailable` where there is no sidecar, `Timeout`, `Canceled`. */
export async function sendRequest<T>(
  route: Route,
  question: SidecarRequest<T>,
  options: DialOptions,
): Promise<Granted<T>> {
  const { op, fields, read, failures } = question
  const { signal, timeout = defaultTimeout } = options
  if (isAborted(signal)) throw failures.canceled()
  const { socket: path, node } = nodeOf(route)
  const socket = connectOwn({ path })
  const line = new FirstLine(socket)
  const onAbort = () => line.abandon(failures.canceled())
  signal?.addEventListener('abort', onAbort, { once: true })
  const timer = startDeadline(() => line.abandon(failures.timedOut(timeout)), timeout)
  try {
    // Sent in one write with the connection; the sidecar replies when the far side does.
    socket.write(
      `${JSON.stringify({ op, node, ...fields, timeout_ms: Math.max(1, Math.ceil(nodeTimeout(timeout))) })}\n`,
    )
    const answer = readAnswer(readFields(await line.text()), read)
    // The signal may abort between the reply and this line.
    if (isAborted(signal)) throw failures.canceled()
    if (answer === undefined) throw failures.alien()
    if ('refused' in answer) throw failures.refused(answer.refused)
    return { socket, answer: answer.taken }
  } catch (error) {
    // An early end also ends the sidecar's work. A later failure of the socket is ignored.
    socket.on('error', () => {}).destroy()
    throw error instanceof NoLine ? failures.noSidecar(error.code) : error
  } finally {
    stopTimer(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}
