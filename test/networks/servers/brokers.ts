/** The parts of broker and mail protocols that one confirmed item needs. */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { bytes, host, line, listen, type Protocol, serve, type Setting, sized, u16, u32 } from './listen.ts'

export async function startBrokers(setting: Setting): Promise<Readonly<Record<string, number>>> {
  return {
    mqtt: await serve(setting, mqtt),
    nats: await serve(setting, nats),
    amqp: await serve(setting, amqp),
    stomp: await serve(setting, stomp),
    kafka: await kafka(setting),
    smtp: await serve(setting, smtp),
    imap: await serve(setting, imap),
    socketIo: await overWebSocket(setting, socketIo),
    stompOverWebSocket: await overWebSocket(setting, { answer: (text) => stompAnswer(Buffer.from(text)) }),
  }
}

/** MQTT 3.1.1: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/ */
const mqtt: Protocol = {
  length(data) {
    let size = 0
    for (let at = 1; at < data.length; at += 1) {
      const byte = data[at] ?? 0
      size += (byte & 127) << (7 * (at - 1))
      if (byte < 128) return at + 1 + size
    }
    return undefined
  },
  answer(packet) {
    const type = packet.readUInt8(0) >> 4
    if (type === 1) return bytes([0x20, 2, 0, 0])
    if (type === 12) return bytes([0xd0, 0])
    if (type !== 3) return undefined
    const variable = packet.subarray(packet.findIndex((byte, at) => at > 0 && byte < 128) + 1)
    const id = 2 + variable.readUInt16BE(0)
    return bytes([0x40, 2], variable.subarray(id, id + 2))
  },
}

const natsInfo = {
  ...{ server_id: 'A', version: '2.10.0', host, port: 4222 },
  ...{ proto: 1, headers: true, max_payload: 1_048_576 },
}
/** https://docs.nats.io/reference/reference-protocols/nats-protocol */
const nats: Protocol = {
  greeting: `INFO ${JSON.stringify(natsInfo)}\r\n`,
  length: (data) => line(data),
  answer: (message) => (message.toString().startsWith('PING') ? 'PONG\r\n' : undefined),
}

/** AMQP 0-9-1: a frame is a type, a channel, a size, the payload, and 0xCE. */
const amqp: Protocol = {
  length: (data, state) => (state.has('begun') ? sized(data, 7, () => data.readUInt32BE(3) + 1) : 8),
  answer(message, state) {
    const channel = message.readUInt16BE(1)
    const method = (id: readonly [number, number], ...args: readonly Uint8Array[]) => {
      const payload = bytes(u16(id[0]), u16(id[1]), ...args)
      return bytes(1, u16(channel), u32(payload.length), payload, 0xce)
    }
    if (!state.has('begun')) {
      state.set('begun', '')
      const start = bytes(u16(10), u16(10), [0, 9], u32(0), u32(5), 'PLAIN', u32(5), 'en_US')
      return bytes([1, 0, 0], u32(start.length), start, 0xce)
    }
    if (message[0] === 3) {
      const tag = Number(state.get(`tag ${channel}`) ?? 0) + 1
      state.set(`tag ${channel}`, String(tag))
      return method([60, 80], u32(0), u32(tag), bytes(0))
    }
    if (message[0] !== 1) return undefined
    switch (`${message.readUInt16BE(7)} ${message.readUInt16BE(9)}`) {
      case '10 11':
        return method([10, 30], u16(2047), u32(131_072), u16(0))
      case '10 40':
        return method([10, 41], bytes(0))
      case '10 50':
        return method([10, 51])
      case '20 10':
        return method([20, 11], u32(0))
      case '85 10':
        return method([85, 11])
      default:
        return undefined
    }
  },
}

/** STOMP 1.2: a frame ends with a zero. */
const stomp: Protocol = {
  length: (data) => (data[0] === 10 ? 1 : line(data, '\0')),
  answer: stompAnswer,
}

function stompAnswer(frame: Buffer): string | undefined {
  const text = frame.toString()
  if (/^(?:CONNECT|STOMP)\n/.test(text)) return 'CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0'
  const receipt = /^receipt:(.*)$/m.exec(text)?.[1]
  return receipt === undefined ? undefined : `RECEIPT\nreceipt-id:${receipt}\n\n\0`
}

/** https://kafka.apache.org/protocol: three requests, each in the one version that it is offered in. */
async function kafka(setting: Setting): Promise<number> {
  let port = 0
  const text = (value: string) => bytes(u16(value.length), value)
  const offered = [
    [0, 3],
    [3, 1],
    [18, 0],
  ] as const
  const answers: Readonly<Record<number, (version: number) => Buffer>> = {
    0: () =>
      bytes(u32(1), text('items'), u32(1), u32(0), u16(0), new Uint8Array(8), new Uint8Array(8).fill(255), u32(0)),
    3: () =>
      bytes(
        ...[u32(1), u32(1), text(host), u32(port), u16(0xff_ff), u32(1)],
        ...[u32(1), u16(0), text('items'), 0, u32(1), u16(0), u32(0), u32(1), u32(1), u32(1), u32(1), u32(1)],
      ),
    18: (version) =>
      bytes(
        u16(0),
        u32(offered.length),
        ...offered.map(([key, at]) => bytes(u16(key), u16(at), u16(at))),
        version > 0 ? u32(0) : [],
      ),
  }
  port = await serve(setting, {
    length: (data) => sized(data, 4, () => data.readUInt32BE(0)),
    answer(message) {
      const body = answers[message.readUInt16BE(4)]?.(message.readUInt16BE(6)) ?? bytes()
      return bytes(u32(4 + body.length), message.subarray(8, 12), body)
    },
  })
  return port
}

/** The part of RFC 5321 that one mail needs. */
const smtp: Protocol = {
  greeting: '220 here\r\n',
  length: (data) => line(data, '\r\n'),
  answer(message, state) {
    const text = message.toString()
    if (state.has('mail') && text !== '.\r\n') return undefined
    if (state.delete('mail')) return '250 taken\r\n'
    if (text.startsWith('QUIT')) return '221 bye\r\n'
    if (!text.startsWith('DATA')) return '250 ok\r\n'
    state.set('mail', '')
    return '354 go on\r\n'
  },
}

/** The part of RFC 9051 that a login and the creation of a mailbox need. */
const imap: Protocol = {
  greeting: '* OK [CAPABILITY IMAP4rev1] here\r\n',
  length: (data) => line(data, '\r\n'),
  answer(message) {
    const [tag, command] = message.toString().trim().split(' ')
    const said: Readonly<Record<string, string>> = {
      CAPABILITY: '* CAPABILITY IMAP4rev1\r\n',
      LIST: '* LIST (\\Noselect) "/" ""\r\n',
    }
    return `${said[command?.toUpperCase() ?? ''] ?? ''}${tag} OK done\r\n`
  },
}

interface Conversation {
  readonly greeting?: string
  readonly answer: (text: string) => string | undefined
}

/** Engine.IO 4 and Socket.IO 5, whose packets begin with their types. */
const socketIo: Conversation = {
  greeting: '0{"sid":"a","upgrades":[],"pingInterval":60000,"pingTimeout":60000,"maxPayload":1000000}',
  answer(text) {
    if (text === '40') return '40{"sid":"b"}'
    const id = /^42(\d+)/.exec(text)?.[1]
    return id === undefined ? undefined : `43${id}[]`
  },
}

export async function overWebSocket({ ledger, stack }: Setting, { greeting, answer }: Conversation): Promise<number> {
  const server = createServer()
  new WebSocketServer({ server }).on('connection', (socket, request) => {
    if (greeting !== undefined) socket.send(greeting)
    socket
      .on('error', () => {})
      .on('message', (data: Buffer) => {
        ledger.read(data, request.socket.remoteAddress)
        const answered = answer(data.toString())
        if (answered !== undefined) socket.send(answered)
      })
  })
  return listen(server, stack)
}
