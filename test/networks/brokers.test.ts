import { expectOwnNetworks } from './expect-matrix.ts'

expectOwnNetworks({
  batch: 'brokers',
  names: [
    'socket.io-client',
    'mqtt',
    '@nats-io/transport-node',
    'amqplib',
    'stompit',
    '@stomp/stompjs',
    'kafkajs',
    'nodemailer, pooled',
    'imapflow',
  ],
})
