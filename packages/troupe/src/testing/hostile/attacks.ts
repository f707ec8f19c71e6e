/** Programs that break the protocols of their thread: towards the kernel, other threads, and Node itself. */
import { writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { isMainThread, parentPort } from 'node:worker_threads'
import { emptyFrame, entryId, fork, isPid, type Pid, runInFrame, threadOf } from '@troupe/core'
import { processes, self } from 'troupe'
import { keepPorts, kernelPort, nodePorts, peerPort, post } from './port.ts'

// Runs before the thread has work, if the host preloads this module: work introduces the main thread.
if (!isMainThread) keepPorts()

/** Replies with the actor, values and overlay of the message's frame, and counts the messages. */
export async function honest() {
  let count = 0
  for await (const message of self.inbox) {
    count += 1
    const { actor, values, overlay } = message.frame
    message.reply({ actor: actor?.id, values, overlay, count })
  }
}

/** A process of its own need not be ended because of a flood: it waits until the kernel reads more. */
const rest = async () => new Promise((resolve) => setTimeout(resolve, isMainThread ? 3000 : 60_000))
/** Of the channel that carries connections (`packages/tsnet/launcher`). */
const channelFd = 3
/** Duration of a flood in milliseconds. */
const long = 1500

function flood(port: object | null, message: unknown): void {
  if (port === null) return
  const end = Date.now() + long
  while (Date.now() < end) post(port, message)
}

async function file(): Promise<object> {
  return open(import.meta.filename)
}

async function nativeFile(): Promise<object> {
  const handle = await file()
  const symbol = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'kHandle')
  const native: unknown = symbol && Reflect.get(handle, symbol)
  if (typeof native !== 'object' || native === null) throw new Error('there is no native handle')
  return native
}

/** A list of which only the length was ever written. */
const nothing = (length: number): unknown[] => Object.assign<unknown[], object>([], { length })

/** More values than one message to the kernel may hold; it takes about as long as the loop may be held. */
const heap = (): unknown[] => Array.from({ length: 80_000 }, () => ({}))

const letter = (to: string, payload: unknown) => ({
  op: 'send',
  to,
  from: self.pid,
  topic: 'a',
  frame: { number: 0, frame: { values: {} } },
  payloads: [payload],
  call: 0,
  claim: 'open',
})

/** Each attack has a victim, and the thread that it is aimed at: that of the kernel, or the victim's. */
const attacks: Readonly<Record<string, (victim: Pid) => Promise<unknown>>> = {
  'a number for the kernel': async () => {
    post(kernelPort(), 5)
    return rest()
  },
  'a file for the kernel': async () => {
    for (let i = 0; i < 5; i += 1) {
      const handle = await file()
      post(kernelPort(), { type: 'x', handle }, [handle])
    }
    return rest()
  },
  'a native file for the kernel, deep in an argument': async () => {
    const native = await nativeFile()
    const ask = {
      entry: 'app:bank',
      args: [new Map([[1, Object.assign([1], { native })]])],
      choice: {},
      inherit: { values: {} },
    }
    post(kernelPort(), { type: 'request', number: 1e6, by: self.pid, name: 'call', ask }, [native])
    return rest()
  },
  'a flood for the kernel': async () => {
    flood(kernelPort(), { type: 'connect', thread: 1e6 })
    return rest()
  },
  'a flood of large messages for the kernel': async () => {
    flood(kernelPort(), { type: 'output', stream: 1, chunk: '', more: 'x'.repeat(1 << 20) })
    return rest()
  },
  'a heap of objects for the kernel': async () => {
    const ask = { entry: 'app:bank', args: [heap()], choice: {}, inherit: { values: {} } }
    post(kernelPort(), { units: 500 })
    post(kernelPort(), { type: 'request', number: 1e6, by: self.pid, name: 'call', ask })
    return rest()
  },
  'bytes that were not declared, for the kernel': async () => {
    post(kernelPort(), { type: 'output', stream: 1, chunk: 'x'.repeat(1 << 20) })
    return rest()
  },
  'declared units without end, for the kernel': async () => {
    flood(kernelPort(), { units: 1000 })
    return rest()
  },
  'a heap of objects for the main thread': async () => {
    const port = await peerPort(0)
    post(port, { units: 40 })
    post(port, [{ op: 'reply', call: 1e6, payload: heap() }])
    return rest()
  },
  'bytes that were not declared, for the main thread': async () => {
    post(await peerPort(0), [{ op: 'reply', call: 1e6, payload: new Uint8Array(2 << 20) }])
    return rest()
  },
  'a number for the main thread': async () => {
    post(await peerPort(0), 5)
    return rest()
  },
  'a file for the main thread': async () => {
    const handle = await file()
    post(await peerPort(0), [{ op: 'reply', call: 1, payload: handle }], [handle])
    return rest()
  },
  'a flood for the main thread': async () => {
    flood(await peerPort(0), [{ op: 'mark' }])
    return rest()
  },
  'an endless batch for the main thread': async () => {
    post(
      await peerPort(0),
      Array.from({ length: 1e5 }, () => ({ op: 'mark' })),
    )
    return rest()
  },
  'a letter in a frame that never came': async () => {
    post(await peerPort(0), [{ ...letter('<0.0>', 1), frame: 7 }])
    return rest()
  },
  'a letter to the main thread for who lives elsewhere': async (victim) => {
    post(await peerPort(0), [letter(victim, 1)])
    return rest()
  },
  'a signal that is called by a long list': async () => {
    post(await peerPort(0), [{ op: nothing(2 ** 28) }])
    return rest()
  },
  'a long list of nothing in an argument': async () => {
    const ask = { entry: 'app:bank', args: [{ deep: nothing(2 ** 31) }], choice: {}, inherit: { values: {} } }
    post(kernelPort(), { type: 'request', number: 1e6, by: self.pid, name: 'call', ask })
    return rest()
  },
  'who was born by another': async (victim) => {
    post(kernelPort(), {
      type: 'processStarted',
      pid: self.pid.replace('.1>', '.3>'),
      by: victim,
      entry: 'app:attack',
      inherit: { values: {} },
    })
    return rest()
  },
}

/** Attacks after which the victim's thread no longer reads messages from this one. */
const peerAttacks: Readonly<Record<string, (victim: Pid) => Promise<unknown>>> = {
  'a number for another thread': async (victim) => {
    post(await peerPort(threadOf(victim)), 5)
  },
  'a file for another thread': async (victim) => {
    const native = await nativeFile()
    post(await peerPort(threadOf(victim)), [letter(victim, { native })], [native])
  },
  'a flood for another thread': async (victim) => {
    flood(await peerPort(threadOf(victim)), [letter(victim, 1)])
  },
  'a letter for who lives elsewhere': async (victim) => {
    post(await peerPort(threadOf(victim)), [letter('<0.0>', 1)])
  },
  'a long list of nothing for another thread': async (victim) => {
    post(await peerPort(threadOf(victim)), [letter(victim, [nothing(2 ** 31)])])
  },
  'bytes that were not declared, for another thread': async (victim) => {
    post(await peerPort(threadOf(victim)), [letter(victim, { text: 'x'.repeat(2 << 20) })])
  },
  'what cannot be decoded': async (victim) => {
    post(await peerPort(threadOf(victim)), [{ op: 'reply', call: -1, payload: undefined }])
  },
}

/** Attacks without an effect that the thread can observe. */
const silentAttacks: Readonly<Record<string, (victim: Pid) => Promise<unknown>>> = {
  'a long list of nothing in place of a name': async () => {
    post(kernelPort(), { type: 'request', number: 1e6, by: self.pid, name: 'lookup', ask: { name: nothing(2 ** 31) } })
  },
  'values as bytes that are none': async (victim) => {
    const port = await peerPort(threadOf(victim))
    for (const box of [5, {}, { bytes: 5 }, { bytes: new Uint8Array([1, 2]) }, { value: 1, errors: {}, gaps: [null] }])
      post(port, [letter(victim, { '@troupe': box })])
  },
  'a call that is refused, of another': async (victim) => {
    const port = await peerPort(threadOf(victim))
    for (let call = 1; call < 60; call += 1) post(port, [{ op: 'refused', pid: self.pid, call, network: null }])
  },
  'a file for the parent': async () => {
    for (let i = 0; i < 5; i += 1) {
      const handle = await file()
      if (parentPort) post(parentPort, { handle }, [handle])
    }
  },
  'a flood for the parent': async () => {
    flood(parentPort, { type: 'x' })
  },
}

const nodeAttacks: Readonly<Record<string, (victim: Pid) => Promise<unknown>>> = {
  'null for Node': async () => {
    for (const port of nodePorts()) post(port, null)
    return rest()
  },
  'output of no stream for Node': async () => {
    for (const port of nodePorts()) post(port, { type: 'stdioPayload', stream: 'x', chunks: [{}] })
    return rest()
  },
  'a flood for Node': async () => {
    for (const port of nodePorts()) flood(port, { type: 'stdioPayload', stream: 'stdout', chunks: [] })
    return rest()
  },
}

/** Writes as much as there is room for. */
function writeToChannel(text: string): void {
  try {
    writeSync(channelFd, text)
  } catch {
    // It is full.
  }
}

/** Attacks on the channel by which a process of its own receives connections. What it writes there is not read. */
const channelAttacks: Readonly<Record<string, () => void>> = {
  'a line that is no message for the launcher': () => {
    writeToChannel('what is this?\n')
  },
  'an announced handle for the launcher': () => {
    writeToChannel('{"cmd":"NODE_HANDLE","type":"net.Native","msg":{}}\n')
  },
  'a report of its end for the launcher': () => {
    writeToChannel('{"ended":{"code":0}}\n')
  },
  'a flood of confirmations for the launcher': () => {
    const end = Date.now() + long
    const lines = '{"cmd":"NODE_HANDLE_ACK"}\n'.repeat(1000)
    while (Date.now() < end) writeToChannel(lines)
  },
  'a line without an end for the launcher': () => {
    const end = Date.now() + long
    while (Date.now() < end) writeToChannel('x'.repeat(1 << 16))
  },
}

/** Sizes of frames need not be declared: the kernel reads them before the frames. */
const undeclared = /not declared, for (?:the kernel|another)/
const ofBoth = Object.keys({ ...attacks, ...peerAttacks })
/** Those that an operating-system process can make, by whether the kernel ends it for them. */
export const ofProcesses = {
  ending: ofBoth.filter((name) => !/flood|file/.test(name) && !undeclared.test(name)),
  silent: [
    ...ofBoth.filter((name) => undeclared.test(name)),
    ...Object.keys(attacks).filter((name) => name.includes('flood')),
    'a flood for another thread',
    ...['a long list of nothing in place of a name', 'a call that is refused, of another'],
    ...Object.keys(channelAttacks),
  ],
}
export const ending = [...Object.keys(attacks), ...Object.keys(nodeAttacks)]
export const severing = Object.keys(peerAttacks)
export const silent = Object.keys(silentAttacks)

export async function attack(name: string, victim: string) {
  if (!isPid(victim)) throw new Error(`${victim} is no pid`)
  const work = { ...attacks, ...peerAttacks, ...silentAttacks, ...nodeAttacks, ...channelAttacks }[name]
  await work?.(victim)
  await new Promise((resolve) => setTimeout(resolve, 300))
  return 'done'
}

/** Sends with frames that the sender invented. Replies with the frame that the receiver got. */
export async function forge(victim: string) {
  const frames = [
    emptyFrame,
    fork(emptyFrame, { overlay: null }),
    fork(emptyFrame, { actor: { id: 'admin', meta: {} }, scope: [entryId('app:all')], values: { tenant: 'theirs' } }),
  ]
  return Promise.all(frames.map(async (frame) => runInFrame(frame, async () => processes.call(victim, 'who'))))
}
