/** Clients of databases, directories, files and shells. */
import { credentials, Client as GrpcClient } from '@grpc/grpc-js'
import { createClient } from '@redis/client'
import { Client as FtpClient } from 'basic-ftp'
import cassandra from 'cassandra-driver'
import { Redis } from 'ioredis'
import { Client as LdapClient } from 'ldapts'
import memjs from 'memjs'
import { MongoClient } from 'mongodb'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import ssh2 from 'ssh2'
import { program } from './program.js'
import { called, host, ignore, servers, turns } from './settings.js'

const redis = createClient({ RESP: 2, socket: { host, port: servers.redis } }).on('error', ignore)
redis.connect().catch(ignore)
const ioredis = new Redis({ host, port: servers.redis, enableReadyCheck: false }).on('error', ignore)
const sql = postgres({ host, port: servers.postgres, user: 'a', max: 1, fetch_types: false, backoff: 0.1 })
const pgPool = new pg.Pool({ host, port: servers.postgres, user: 'a', max: 1 }).on('error', ignore)
const mysqlPool = mysql.createPool({ host, port: servers.mysql, user: 'a', connectionLimit: 1 })
const mongo = new MongoClient(
  `mongodb://${host}:${servers.mongo}/?directConnection=true&maxPoolSize=1&serverSelectionTimeoutMS=2000`,
)
const memcached = memjs.Client.create(`${host}:${servers.memcached}`, { timeout: 20, conntimeout: 20 })
const ldap = new LdapClient({ url: `ldap://${host}:${servers.ldap}` })
const cassandraClient = new cassandra.Client({
  contactPoints: [`${host}:${servers.cassandra}`],
  localDataCenter: 'here',
  protocolOptions: { maxVersion: 4 },
  isMetadataSyncEnabled: false,
})
const grpc = new GrpcClient(`${host}:${servers.grpc}`, credentials.createInsecure())

const ftp = new FtpClient()
const [ftpTurn, ldapTurn] = [turns(), turns()]
const ssh = new ssh2.Client()
const sshReady = new Promise((resolve, reject) => {
  ssh.on('ready', resolve).on('error', reject)
})
sshReady.catch(ignore)
ssh.connect({ host, port: servers.ssh, username: 'a', password: 'b' })

const same = (bytes) => bytes

export const clients = {
  '@redis/client': async (token) => redis.set(token, 'x'),
  ioredis: async (token) => ioredis.set(token, 'x'),
  postgres: async (token) => sql.unsafe(`select '${token}'`).simple(),
  'pg, pooled': async (token) => pgPool.query(`select '${token}'`),
  'mysql2, pooled': async (token) => mysqlPool.query(`select '${token}'`),
  mongodb: async (token) => mongo.db('here').collection('items').insertOne({ token }),
  memjs: async (token) => memcached.set(token, 'x'),
  ldapts: async (token) => ldapTurn(async () => ldap.search(`cn=${token}`)),
  'cassandra-driver': async (token) => cassandraClient.execute(`select '${token}'`),
  'basic-ftp': async (token) =>
    ftpTurn(async () => {
      if (ftp.closed || ftp.ftp.socket.remoteAddress === undefined) await ftp.access({ host, port: servers.ftp })
      await ftp.cd(token)
    }),
  ssh2: async (token) => {
    await sshReady
    const channel = await called((done) => ssh.exec(token, done))
    await new Promise((resolve) => channel.resume().on('close', resolve))
  },
  '@grpc/grpc-js': async (token) =>
    called((done) => grpc.makeUnaryRequest('/test.Items/Say', same, same, Buffer.from(token), done)),
}

export const { say, receive } = program(clients)
