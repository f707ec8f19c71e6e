/** Clients of message brokers and of mail. All queue while they have no connection. */
import { Client as StompOverWebSocket } from '@stomp/stompjs'
import { connect as connectNats } from '@nats-io/transport-node'
import amqplib from 'amqplib'
import { ImapFlow } from 'imapflow'
import { Kafka, logLevel } from 'kafkajs'
import mqtt from 'mqtt'
import { createTransport } from 'nodemailer'
import { io } from 'socket.io-client'
import stompit from 'stompit'
import { WebSocket } from 'ws'
import { program } from './program.js'
import { called, host, ignore, servers } from './settings.js'

const mqttClient = mqtt.connect(`mqtt://${host}:${servers.mqtt}`).on('error', ignore)
const socketIo = io(`http://${host}:${servers.socketIo}`, { transports: ['websocket'] })
const mail = createTransport({ pool: true, maxConnections: 1, host, port: servers.smtp, ignoreTLS: true })
const kafka = new Kafka({ brokers: [`${host}:${servers.kafka}`], logLevel: logLevel.NOTHING, retry: { retries: 1 } })
const producer = kafka.producer()
const stompFrames = new stompit.ChannelPool(new stompit.ConnectFailover([{ host, port: servers.stomp }]))
const stompClient = new StompOverWebSocket({
  brokerURL: `ws://${host}:${servers.stompOverWebSocket}`,
  webSocketFactory: () => new WebSocket(`ws://${host}:${servers.stompOverWebSocket}`).on('error', ignore),
})

const nats = retried(async () => connectNats({ servers: `${host}:${servers.nats}`, waitOnFirstConnect: true }))
const amqp = retried(async () => {
  const connection = await amqplib.connect(`amqp://${host}:${servers.amqp}`)
  const channel = await connection.on('error', ignore).createConfirmChannel()
  return channel.on('error', ignore)
})
const kafkaProducer = retried(async () => {
  await producer.connect()
  return producer
})
const imap = retried(async () => {
  const client = new ImapFlow({
    host,
    port: servers.imap,
    secure: false,
    doSTARTTLS: false,
    logger: false,
    auth: { user: 'a', pass: 'b' },
  })
  await client.on('error', ignore).connect()
  return client
})
const stomp = retried(
  async () =>
    new Promise((resolve) => {
      stompClient.onConnect = resolve
      stompClient.activate()
    }),
)

/** Opened once, at the first use; again after a failure. */
function retried(open) {
  let opened
  return async () => {
    opened ??= open().catch((error) => {
      opened = undefined
      throw error
    })
    return opened
  }
}

export const clients = {
  'socket.io-client': async (token) => socketIo.emitWithAck('say', token),
  mqtt: async (token) => mqttClient.publishAsync('items', token, { qos: 1 }),
  '@nats-io/transport-node': async (token) => {
    const connection = await nats()
    connection.publish('items', token)
    await connection.flush()
  },
  amqplib: async (token) => {
    const channel = await amqp()
    return called((done) => channel.publish('', 'items', Buffer.from(token), {}, done))
  },
  stompit: async (token) => {
    const channel = await called((done) => stompFrames.channel(done))
    return called((done) => channel.send({ destination: '/items' }, token, done))
  },
  '@stomp/stompjs': async (token) => {
    await stomp()
    return new Promise((resolve) => {
      stompClient.watchForReceipt(token, resolve)
      stompClient.publish({ destination: '/items', body: token, headers: { receipt: token } })
    })
  },
  kafkajs: async (token) => (await kafkaProducer()).send({ topic: 'items', acks: 1, messages: [{ value: token }] }),
  'nodemailer, pooled': async (token) => mail.sendMail({ from: `${token}@web.test`, to: 'b@web.test', text: '' }),
  imapflow: async (token) => (await imap()).mailboxCreate(token),
}

export const { say, receive } = program(clients)
