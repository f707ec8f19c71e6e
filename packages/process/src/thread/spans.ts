/** The spans of spawns, calls and messages. Their attributes name entries, pids and topics, and no payloads. */
import {
  type Frame,
  fork,
  type Pid,
  type Span,
  type SpanStart,
  startSpan,
  traceChange,
  type TroupeError,
} from '@troupe/core'
import type { WireExit } from '../protocol/programs.ts'
import type { Envelope } from '../mailbox/message.ts'

/** `messaging.system` of the messages between processes. */
const system = 'troupe'

/** Of the start of a process, until it has a thread. */
export function spawnSpan(entry: string, host: string): Span | undefined {
  return startSpan(spawnStart(entry, host))
}

/** What the span of a spawn begins with. */
export function spawnStart(entry: string, host: string): SpanStart {
  return { name: `spawn ${entry}`, kind: 'internal', attributes: { 'troupe.entry': entry, 'troupe.host': host } }
}

/** Of a message whose sender waits for the reply. */
export function callSpan(to: string, topic: string): Span | undefined {
  return startSpan({
    name: `call ${topic}`,
    kind: 'client',
    attributes: { ...messaging(to, topic), 'messaging.operation.name': 'call', 'messaging.operation.type': 'send' },
  })
}

/**
 * Of the handling of a message. That of a call continues the trace of the caller. That of another message begins a
 * trace which refers to the sender: one message may cause work for long, and a process handles those of many senders.
 */
export function handlingSpan(pid: Pid, entry: string, { topic, from, call, frame }: Envelope): Span | undefined {
  const attributes = {
    ...messaging(pid, topic),
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'troupe.entry': entry,
    'troupe.from': from,
  }
  const place = call === 0 ? { parent: nowhere, link: frame, begins: true } : { parent: frame }
  return startSpan({ name: `process ${topic}`, kind: 'consumer', attributes, ...place })
}

const nowhere = { trace: undefined }

/** Ends the span of a message. @param exit - How the process ended with it. */
export function endedSpan(span: Span, exit?: WireExit): undefined {
  span.end(exit !== undefined && 'error' in exit ? exit.error.kind : undefined)
}

/** Of a restart, from the end of a child until all children run that it affects. It begins a trace. */
export function restartSpan(supervisor: string, child: string, error: TroupeError | undefined): Span | undefined {
  return startSpan({
    name: `restart ${supervisor}`,
    kind: 'internal',
    attributes: {
      'troupe.supervisor': supervisor,
      'troupe.child': child,
      ...(error && { 'troupe.reason': error.kind }),
    },
    parent: nowhere,
    begins: true,
  })
}

/** A frame at the place of a span. */
export function inSpan(frame: Frame, span: Span): Frame {
  return fork(frame, traceChange(span))
}

function messaging(to: string, topic: string) {
  return {
    'messaging.system': system,
    'messaging.destination.name': to,
    'messaging.destination.temporary': true,
    'troupe.topic': topic,
  }
}
