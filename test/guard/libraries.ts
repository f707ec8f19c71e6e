/**
 * Libraries that open connections, used as usual: created once, at the top of a module. Each use returns the address
 * that the server saw. Loaded after the guard, as user code is.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import tls from 'node:tls'
import { credentials, Client as GrpcClient } from '@grpc/grpc-js'
import axios from 'axios'
import got from 'got'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { MongoClient } from 'mongodb'
import mysql from 'mysql2/promise'
import nodeFetch from 'node-fetch'
import { createTransport } from 'nodemailer'
import pg from 'pg'
import ssh2, { type ClientChannel } from 'ssh2'
import { Agent as UndiciAgent, fetch as undiciFetch, request as undiciRequest } from 'undici'
import { WebSocket as Ws } from 'ws'
import { mariadbPort, plainPort, postgresPort, redisPort, type Servers, securePort, sshPort } from './servers.ts'
import type { Sinks } from './sinks.ts'

export interface Seen {
  readonly peer: string
  /** One entry for each connection, if the server reports them. */
  readonly port?: number
}

export interface Library {
  readonly use: () => Promise<Seen>
  /** Whether connections are kept for the next use. */
  readonly pools?: boolean
}

const ca = readFileSync(join(import.meta.dirname, 'fixtures', 'ca.pem'), 'utf8')

/** @param name - The servers' name, as clients know it. */
export function libraries(servers: Servers, sinks: Sinks): Readonly<Record<string, Library>> {
  const { host } = servers
  const plain = `http://${host}:${plainPort}/`
  const secure = `https://${host}:${securePort}/`
  const agent = new http.Agent({ keepAlive: true })
  const secureAgent = new https.Agent({ keepAlive: true, ca, checkServerIdentity: anyName })
  const dispatcher = new UndiciAgent({ connect: { ca, checkServerIdentity: anyName } })
  const postgres = new pg.Pool({ host, port: postgresPort, user: 'troupe', database: 'postgres', max: 1 }).on(
    'error',
    ignore,
  )
  const redis = new Redis({ host, port: redisPort, lazyConnect: true }).on('error', ignore)
  const mariadb = mysql.createPool({ host, port: mariadbPort, user: 'troupe', connectionLimit: 1 })
  let session: http2.ClientHttp2Session | undefined
  const grpc = new GrpcClient(`${host}:${sinks.grpc}`, credentials.createInsecure())

  return {
    'net.connect': { use: async () => parsed(await text(net.connect(sinks.line, host))) },
    'tls.connect': { use: async () => overTls(host) },
    fetch: { use: async () => seen(await (await fetch(plain)).json()), pools: true },
    'http.request with an agent': { use: async () => get(http.request(plain, { agent })), pools: true },
    'http.get': { use: async () => get(http.request(plain)), pools: true },
    'https.request with an agent': { use: async () => get(https.request(secure, { agent: secureAgent })), pools: true },
    http2: {
      use: async () => {
        session ??= http2.connect(secure, { ca, checkServerIdentity: anyName })
        return seen(await json(session.request({ ':path': '/' })))
      },
      pools: true,
    },
    WebSocket: { use: async () => overWebSocket(host, sinks.websocket) },
    ws: { use: async () => overWs(host, sinks.websocket) },
    'undici fetch': { use: async () => seen(await (await undiciFetch(plain)).json()), pools: true },
    'undici request': { use: async () => seen(await (await undiciRequest(plain)).body.json()), pools: true },
    'undici Agent': {
      use: async () => seen(await (await undiciRequest(secure, { dispatcher })).body.json()),
      pools: true,
    },
    axios: { use: async () => seen((await axios.get<unknown>(plain)).data) },
    'axios, redirected': { use: async () => seen((await axios.get<unknown>(`${plain}moved`)).data) },
    got: {
      use: async () =>
        seen(await got(secure, { https: { certificateAuthority: ca, checkServerIdentity: anyName } }).json()),
    },
    'node-fetch': { use: async () => seen(await (await nodeFetch(plain)).json()) },
    'pg.Pool': {
      use: async () =>
        seen((await postgres.query('select host(inet_client_addr()) as peer, inet_client_port() as port')).rows[0]),
      pools: true,
    },
    ioredis: { use: async () => redisClient(await redis.call('CLIENT', 'INFO')), pools: true },
    'mysql2 pool': { use: async () => mariadbClient(mariadb), pools: true },
    nodemailer: { use: async () => mail(host, sinks) },
    ssh2: { use: async () => overSsh(servers) },
    'grpc-js': { use: async () => parsed(String(await ask(grpc))), pools: true },
    'mongodb (wire)': { use: async () => knocks(async () => mongo(host, sinks.mongo.port)) },
    'kafkajs (wire)': { use: async () => knocks(async () => kafka(host, sinks.kafka.port)) },
  }
}

/** A server that ends with the tests. */
function ignore(): void {}

/** The certificate is not valid for a loopback address. */
function anyName(): undefined {}

function seen(value: unknown): Seen {
  if (typeof value === 'object' && value !== null && 'peer' in value && 'port' in value) {
    return { peer: String(value.peer), port: Number(value.port) }
  }
  throw new TypeError(`the server answered ${JSON.stringify(value)}`)
}

/** The bytes that a server wrote. */
function parsed(text: string): Seen {
  const value: unknown = JSON.parse(text)
  return seen(value)
}

async function connected<S extends net.Socket>(socket: S, ready = 'connect'): Promise<S> {
  await once(socket, ready)
  return socket
}

async function overTls(host: string): Promise<Seen> {
  const socket = await connected(
    tls.connect({ host, port: securePort, ca, checkServerIdentity: anyName, ALPNProtocols: ['http/1.1'] }),
    'secureConnect',
  )
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
  const answer = await text(socket)
  return parsed(answer.slice(answer.indexOf('\r\n\r\n')))
}

async function get(request: http.ClientRequest): Promise<Seen> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) =>
    request.on('response', resolve).on('error', reject).end(),
  )
  return seen(await json(response))
}

async function overWebSocket(host: string, port: number): Promise<Seen> {
  const socket = new WebSocket(`ws://${host}:${port}`)
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  socket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data))))
  socket.addEventListener('error', () => reject(new Error('the WebSocket failed')))
  const answer = await promise
  socket.close()
  return seen(answer)
}

async function overWs(host: string, port: number): Promise<Seen> {
  const socket = new Ws(`ws://${host}:${port}`)
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  socket.on('message', (data: Buffer) => resolve(JSON.parse(data.toString()))).on('error', reject)
  const answer = await promise
  socket.close()
  return seen(answer)
}

function redisClient(info: unknown): Seen {
  const [, peer, port] = /\baddr=(\S+):(\d+)/.exec(String(info)) ?? []
  return seen({ peer, port })
}

async function mariadbClient(pool: mysql.Pool): Promise<Seen> {
  const [rows] = await pool.query<mysql.RowDataPacket[]>(
    'select host from information_schema.processlist where id = connection_id()',
  )
  const [peer, port] = String(rows[0]?.['host'] ?? rows[0]?.['HOST']).split(':')
  return seen({ peer, port })
}

async function mail(host: string, { smtp }: Sinks): Promise<Seen> {
  const info = await createTransport({ host, port: smtp }).sendMail({
    from: 'a@web.test',
    to: 'b@web.test',
    text: 'hello',
  })
  return parsed(info.response.slice('250 '.length))
}

async function overSsh({ host, sshKey }: Servers): Promise<Seen> {
  const client = new ssh2.Client()
  await new Promise((resolve, reject) => {
    client.on('error', reject).on('ready', () => resolve(undefined))
    client.connect({ host, port: sshPort, username: 'root', privateKey: sshKey })
  })
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    client.exec('echo $SSH_CONNECTION', (error, opened) => (error ? reject(error) : resolve(opened)))
  })
  const [peer, port] = (await text(channel)).split(' ')
  client.end()
  return seen({ peer, port })
}

async function ask(client: GrpcClient): Promise<Buffer> {
  const same = (bytes: Buffer) => bytes
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest('/test.Where/Am', same, same, Buffer.from('?'), (error, answer) => {
      if (answer) resolve(answer)
      else reject(error ?? new Error('no answer'))
    })
  })
}

/** A client that fails after its first words: the sink records its address. */
async function knocks(connect: () => Promise<unknown>): Promise<Seen> {
  await connect().catch(() => undefined)
  return { peer: '' }
}

async function mongo(host: string, port: number): Promise<void> {
  await using client = new MongoClient(
    `mongodb://${host}:${port}/?directConnection=true&serverSelectionTimeoutMS=300&monitorCommands=false`,
  )
  await client.db('test').command({ ping: 1 })
}

async function kafka(host: string, port: number): Promise<void> {
  const client = new Kafka({
    brokers: [`${host}:${port}`],
    retry: { retries: 0 },
    logLevel: logLevel.NOTHING,
    connectionTimeout: 500,
  })
  const admin = client.admin()
  try {
    await admin.connect()
  } finally {
    await admin.disconnect()
  }
}
