/** A thread that answers requests for a server, one at a time. It is a process of the function's entry, and acts for the service. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { emptyFrame, errorToWire, fork, type Frame, type Pid, runInSlot } from '@troupe/core'
import { currentParticipant, currentRuntime, type Participant, type Program } from '@troupe/process'
import { answerInline, warm } from '../inline.ts'
import { RequestCall } from '../request-call.ts'
import type { RequestContext } from '../request-context.ts'
import { BodyReceiver, BodySender } from './body.ts'
import { type FromLane, type LaneRequest, laneTopic, type ToLane } from './protocol.ts'
import { readResponse } from './response.ts'

/** Answers until the server closes the port. @param overlay What the function is pinned to is in the frame of the process already. */
export async function lane(server: Pid, program: Program): Promise<void> {
  const me = currentParticipant()
  await warm([program])
  const { port1, port2 } = new MessageChannel()
  const ended = new Promise<void>((resolve) => {
    port1.once('close', resolve)
  })
  const answering = new Answering(port1, me)
  port1.on('message', (message: ToLane) => {
    answering.onMessage(message)
  })
  // It was spawned for that: policies are not asked.
  await currentRuntime().post.send(me, { to: server, topic: laneTopic, payload: port2, frame: me.frame, transfer: [port2] })
  await ended
}

/** The request that is being answered. */
interface Present {
  readonly number: number
  readonly call: RequestCall
  readonly body: BodyReceiver | undefined
  response?: BodySender
}

class Answering {
  readonly #port: MessagePort
  readonly #me: Participant
  #present: Present | undefined

  constructor(port: MessagePort, me: Participant) {
    this.#port = port
    this.#me = me
  }

  onMessage(message: ToLane): void {
    if (message.type === 'request') {
      void this.#answer(message.number, message.request)
      return
    }
    const present = this.#present
    if (present?.number !== message.number) return
    if (message.type === 'cancel') {
      present.call.cancel(message.reason)
      present.response?.stop(message.reason)
    } else if (message.type === 'sent') present.body?.onPart(message.part)
    else present.response?.onPart(message.part)
  }

  async #answer(number: number, asked: LaneRequest): Promise<void> {
    const call = this.#begin(asked)
    const body =
      asked.body === 'stream'
        ? new BodyReceiver((part, transfer = []) => this.#post({ type: 'wanted', number, part }, transfer))
        : undefined
    const present: Present = { number, call, body }
    this.#present = present
    try {
      const request = requestOf(asked, body, call)
      const handled = runInSlot({ frame: call.frameOfRequest, owner: call }, () => answerInline(asked.program, request, contextOf(asked)))
      const response = handled instanceof Response ? handled : await call.wait(handled, 0)
      const { head, whole, rest } = await readResponse(response)
      if (rest !== undefined)
        present.response = new BodySender(rest, (part, transfer = []) => this.#post({ type: 'sent', number, part }, transfer))
      this.#post({ type: 'response', number, response: { ...head, body: rest === undefined ? whole : 'stream' } }, [])
      await present.response?.over
    } catch (error) {
      this.#post({ type: 'failed', number, error: errorToWire(error) }, [])
    } finally {
      call.end()
      this.#present = undefined
      if (asked.session !== undefined)
        currentRuntime().kernel.tell({ type: 'finished', pid: asked.session.pid, exit: { value: undefined } })
      this.#post({ type: 'free', number }, [])
    }
  }

  #begin({ session, deadline, trace }: LaneRequest): RequestCall {
    const { pid, frame: issued } = session === undefined ? this.#me : { pid: session.pid, frame: fork(emptyFrame, session.frame) }
    const frame: Frame = fork(issued, { ...(deadline !== undefined && { deadline }), ...(trace !== undefined && { trace }) })
    return new RequestCall({ pid, issued, frame, outgoing: undefined })
  }

  #post(message: FromLane, transfer: readonly ArrayBuffer[]): void {
    this.#port.postMessage(message, [...transfer])
  }
}

function requestOf({ url, method, headers, body: whole }: LaneRequest, body: BodyReceiver | undefined, call: RequestCall): Request {
  return new Request(url, {
    method,
    headers: headers.map(([name, value]) => [name, value]),
    signal: call.signal,
    ...(body !== undefined && { body: body.stream, duplex: 'half' }),
    ...(whole instanceof Uint8Array && { body: whole }),
  })
}

function contextOf({ params, peer, remoteAddress, service, endpoint }: LaneRequest): RequestContext {
  return { params, peer, remoteAddress, service, endpoint }
}
