/** The parts of the protocols of databases, directories, files and shells that one item needs. */
import { generateKeyPairSync } from 'node:crypto'
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { BSON } from 'mongodb'
import ssh2 from 'ssh2'
import { bytes, host, line, listen, type Protocol, serve, type Setting, sized, u16, u32 } from './listen.ts'

export async function startDatabases(setting: Setting): Promise<Readonly<Record<string, number>>> {
  return {
    redis: await serve(setting, redis),
    postgres: await serve(setting, postgres),
    mysql: await serve(setting, mysql),
    mongo: await serve(setting, mongo),
    memcached: await serve(setting, memcached),
    ldap: await serve(setting, ldap),
    cassandra: await serve(setting, cassandra),
    ftp: await serve(setting, ftp),
    ssh: await ssh(setting),
    grpc: await grpc(setting),
  }
}

/** Commands are lists of strings, each with its length. */
const redis: Protocol = {
  length(data) {
    let at = line(data)
    if (at === undefined) return undefined
    for (let left = Number(data.toString('latin1', 1, at - 2)); left > 0; left -= 1) {
      const size = line(data.subarray(at))
      if (size === undefined) return undefined
      at += size + Number(data.toString('latin1', at + 1, at + size - 2)) + 2
    }
    return at
  },
  answer: () => '+OK\r\n',
}

/** PostgreSQL 3.0: simple queries. */
const postgres: Protocol = {
  length(data, state) {
    if (!state.has('begun')) return data.length < 4 ? undefined : data.readUInt32BE(0)
    return sized(data, 5, () => data.readUInt32BE(1) - 4)
  },
  answer(message, state) {
    const ready = bytes('Z', u32(5), 'I')
    if (!state.has('begun')) {
      if (message.readUInt32BE(4) === 80_877_103) return 'N'
      state.set('begun', '')
      return bytes('R', u32(8), u32(0), 'K', u32(12), u32(1), u32(1), ready)
    }
    return message.toString('latin1', 0, 1) === 'Q' ? bytes('C', u32(13), 'SELECT 0\0', ready) : undefined
  },
}

/** MySQL 4.1: a packet is three bytes of length, a number, and the payload. */
const mysql: Protocol = {
  greeting: mysqlPacket(
    0,
    bytes(
      10,
      '8.0.0\0',
      [1, 0, 0, 0],
      '12345678',
      0,
      [0xff, 0xf7],
      33,
      [2, 0],
      [0x0f, 0x00],
      21,
      new Uint8Array(10),
      '123456789012\0',
      'mysql_native_password\0',
    ),
  ),
  length: (data) => sized(data, 4, () => data.readUIntLE(0, 3)),
  answer: (message) =>
    message[4] === 1 && message.length === 5
      ? undefined
      : mysqlPacket(message.readUInt8(3) + 1, bytes([0, 0, 0, 2, 0, 0, 0])),
}

function mysqlPacket(number: number, payload: Uint8Array): Buffer {
  return bytes([payload.length, 0, 0, number], payload)
}

/** The two messages that drivers begin with and then use: OP_QUERY, OP_MSG. */
const mongo: Protocol = {
  length: (data) => (data.length < 4 ? undefined : data.readInt32LE(0)),
  answer(message) {
    const document = BSON.serialize({
      ...{ ok: 1, n: 1, helloOk: true, ismaster: true, isWritablePrimary: true, readOnly: false },
      ...{
        minWireVersion: 0,
        maxWireVersion: 21,
        maxBsonObjectSize: 16_777_216,
        maxMessageSizeBytes: 48_000_000,
        maxWriteBatchSize: 100_000,
      },
    })
    const isQuery = message.readInt32LE(12) === 2004
    const body = isQuery ? bytes(new Uint8Array(16), [1, 0, 0, 0], document) : bytes([0, 0, 0, 0], 0, document)
    const header = Buffer.alloc(16)
    header.writeInt32LE(16 + body.length, 0)
    header.writeInt32LE(message.readInt32LE(4), 8)
    header.writeInt32LE(isQuery ? 1 : 2013, 12)
    return bytes(header, body)
  },
}

/** The binary protocol: all commands succeed. */
const memcached: Protocol = {
  length: (data) => sized(data, 24, () => data.readUInt32BE(8)),
  answer: (message) =>
    bytes(0x81, message.subarray(1, 2), new Uint8Array(10), message.subarray(12, 16), new Uint8Array(8)),
}

/** Searches of RFC 4511 that find nothing. */
const ldap: Protocol = {
  length(data) {
    const first = data[1]
    if (first === undefined) return undefined
    if (first < 128) return 2 + first
    return sized(data, 2 + (first & 127), () => data.readUIntBE(2, first & 127))
  },
  answer(message) {
    const first = message.readUInt8(1)
    const rest = message.subarray(first < 128 ? 2 : 2 + (first & 127))
    const id = rest.subarray(0, 2 + rest.readUInt8(1))
    const operation = rest[id.length]
    if (operation !== 0x60 && operation !== 0x63) return undefined
    return bytes(0x30, id.length + 9, id, [operation === 0x60 ? 0x61 : 0x65, 7, 10, 1, 0, 4, 0, 4, 0])
  },
}

/** CQL 4: a cluster of one node, and queries without results. */
const cassandra: Protocol = {
  length: (data) => sized(data, 9, () => data.readUInt32BE(5)),
  answer(message) {
    const frame = (operation: number, body: Uint8Array) =>
      bytes([0x84, 0], message.subarray(2, 4), operation, u32(body.length), body)
    const operation = message[4]
    if (operation === 5) return frame(6, u16(0))
    if (operation !== 7) return frame(2, bytes())
    const query = message.toString('latin1', 9)
    if (query.includes('system.local')) return frame(8, cqlRows([localNode]))
    return frame(8, query.includes('system') ? cqlRows([]) : u32(1))
  },
}

const localNode: Readonly<Record<string, string>> = {
  cluster_name: 'here',
  data_center: 'here',
  rack: 'here',
  partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
  release_version: '3.11.0',
}

function cqlRows(rows: readonly Readonly<Record<string, string>>[]): Buffer {
  const text = (value: string) => bytes(u16(value.length), value)
  const columns = Object.keys(localNode)
  const cells = rows.flatMap((row) => columns.map((name) => bytes(u32(row[name]?.length ?? 0), row[name] ?? '')))
  const names = columns.map((name) => bytes(text(name), u16(13)))
  return bytes(u32(2), u32(1), u32(columns.length), text('system'), text('local'), ...names, u32(rows.length), ...cells)
}

/** The part of RFC 959 that a login and a change of folder need. */
const ftp: Protocol = {
  greeting: '220 here\r\n',
  length: (data) => line(data, '\r\n'),
  answer(message) {
    const [command = ''] = message.toString().trim().split(' ')
    const codes: Readonly<Record<string, string>> = {
      USER: '230 in',
      PWD: '257 "/"',
      FEAT: '500 none',
      QUIT: '221 bye',
    }
    return `${codes[command] ?? '250 ok'}\r\n`
  },
}

async function ssh({ ledger, stack }: Setting): Promise<number> {
  const hostKeys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
  ]
  const server = new ssh2.Server({ hostKeys }, (client, { ip }) => {
    client
      .on('error', () => {})
      .on('authentication', (context) => context.accept())
      .on('session', (accept) => {
        accept().on('exec', (accepted, _rejected, { command }) => {
          ledger.read(command, ip)
          const channel = accepted()
          channel.exit(0)
          channel.end()
        })
      })
  })
  return listen(server, stack)
}

async function grpc({ ledger, stack }: Setting): Promise<number> {
  const server = new GrpcServer()
  const same = (data: Buffer) => data
  const serializers = {
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
  const say = { path: '/test.Items/Say', requestStream: false, responseStream: false, ...serializers }
  server.addService(
    { say },
    {
      say: (call: { getPeer: () => string; request: Buffer }, answer: (error: null, data: Buffer) => void) => {
        ledger.read(call.request, call.getPeer().slice(0, call.getPeer().lastIndexOf(':')))
        answer(null, call.request)
      },
    },
  )
  stack.defer(() => server.forceShutdown())
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:0`, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
}
