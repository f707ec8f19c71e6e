/**
 * Modules in a usual style: what they create once accepts work in any frame, and runs it after the work that is already
 * queued.
 */
import http from 'node:http'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent as AgentBase } from 'agent-base'
import { createTransport } from 'nodemailer'
import { io } from 'socket.io-client'
import { Agent, request } from 'undici'
import { funcs, security } from 'troupe'
import { host, servers } from './settings.js'

const transport = createTransport({ pool: true, maxConnections: 1, host, port: servers.smtp, ignoreTLS: true })
const dispatcher = new Agent()
const socket = io(`http://${host}:${servers.socketIo}`, { transports: ['websocket'] })
const agent = new (class extends AgentBase {
  async connect(_request, options) {
    return net.connect(options)
  }
})({ maxTotalSockets: 1 })

/** Sends a mail over a pool of one connection. */
export const mail = async (token) =>
  (await transport.sendMail({ from: `${token}@web.test`, to: 'b@web.test', text: '' })).response

/** Sends a request to one of the servers by an agent of one socket. */
export const get = async (token, server) =>
  new Promise((resolve, reject) => {
    http
      .get({ host, port: servers[server], path: `/${token}`, agent }, (response) =>
        response.resume().on('end', () => resolve('sent')),
      )
      .on('error', reject)
  })

/** Sends items now and then over a permanently open connection, without waiting for any of them. */
export async function say(...tokens) {
  for (const token of tokens) {
    socket.emit('say', token)
    await pause(100)
  }
  return 'said'
}

/** Returns the client port of a dispatcher that keeps its connections. */
export const ask = async () => (await request(`http://${host}:${servers.ports}/`, { dispatcher })).body.text()

const settled = async (work) =>
  work.then(
    () => 'sent',
    () => 'refused',
  )

/**
 * Makes a function work in the clear network and, while that waits for its server, in an overlay. Each runs in the
 * thread of its caller where that is possible. Then lets the server respond, and works in the clear network once more,
 * after everything that is queued by then.
 */
export async function both(id, network, ofClear, ofOverlay, last) {
  const clear = settled(funcs.call(id, ...ofClear))
  const overlay = await settled(funcs.withOptions({ network, timeout: 2000 }).call(id, ...ofOverlay))
  await fetch(`http://${host}:${servers.first}/release`)
  return [await clear, overlay, await settled(funcs.call(id, ...last))]
}

/** Makes it work for several actors in turn. */
export async function actors(id, network, names) {
  const seen = []
  for (const name of names) seen.push(await funcs.withOptions({ network }).withActor(security.newActor(name)).call(id))
  return seen
}
