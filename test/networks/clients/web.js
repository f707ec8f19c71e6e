/** Clients of HTTP and WebSocket, created once for everything that a module does. */
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import tls from 'node:tls'
import { Agent as AgentBase } from 'agent-base'
import axios from 'axios'
import { EventSource } from 'eventsource'
import faye from 'faye-websocket'
import got from 'got'
import { gotScraping } from 'got-scraping'
import http2Wrapper from 'http2-wrapper'
import ky from 'ky'
import needle from 'needle'
import nodeFetch from 'node-fetch'
import { RequestFilteringHttpAgent } from 'request-filtering-agent'
import superagent from 'superagent'
import { Agent, fetch as undiciFetch, Pool, request } from 'undici'
import { WebSocket as Ws } from 'ws'
import { program } from './program.js'
import { anyName, ca, host, ignore, servers } from './settings.js'

const plain = `http://${host}:${servers.http}`
const secure = `https://${host}:${servers.https}`

/** In the way of socks-proxy-agent, https-proxy-agent and similar packages. */
class OneSocket extends AgentBase {
  async connect(_request, options) {
    return net.connect(options)
  }
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
const secureAgent = new https.Agent({ keepAlive: true, maxSockets: 1, ca, checkServerIdentity: anyName })
const oneSocket = new OneSocket({ keepAlive: true, maxTotalSockets: 1 })
const filtering = new RequestFilteringHttpAgent({ keepAlive: true, maxSockets: 1, allowIPAddressList: [host] })
const keptAlive = new http.Agent({ keepAlive: true })
const dispatcher = new Agent({ connections: 1, pipelining: 1 })
const pool = new Pool(plain, { connections: 1 })
const axiosClient = axios.create({ baseURL: plain, httpAgent: keptAlive })
const gotClient = got.extend({ prefixUrl: plain, agent: { http: keptAlive }, retry: { limit: 1 } })
const scraping = gotScraping.extend({ prefixUrl: plain, http2: false, retry: { limit: 0 } })
const kyClient = ky.create({ prefix: plain, retry: 0 })
const needleOptions = { agent: new http.Agent({ keepAlive: true, maxSockets: 1 }) }
const superClient = superagent.agent()
const wrapperAgent = new http2Wrapper.Agent({ maxEmptySessions: 1 })

const open = {}
/** One connection for all, opened again when it has ended. */
function kept(name, make, ended) {
  if (open[name] === undefined || ended(open[name])) open[name] = make()
  return open[name]
}

const get = (options) =>
  new Promise((resolve, reject) => {
    const { request: from, ...rest } = options
    from(rest, (response) => resolve(text(response)))
      .on('error', reject)
      .end()
  })

/** Waits until a connection is open and has received a response. */
async function exchange(socket, token) {
  await new Promise((resolve, reject) => {
    const onAnswer = ({ data }) => {
      if (!String(data).includes(token)) return
      socket.removeEventListener('message', onAnswer)
      resolve()
    }
    socket.addEventListener('message', onAnswer)
    socket.addEventListener('error', () => reject(new Error('the WebSocket failed')))
    socket.addEventListener('close', () => reject(new Error('the WebSocket is closed')))
    if (socket.readyState === 1) socket.send(token)
    else socket.addEventListener('open', () => socket.send(token))
  })
}
const isOver = ({ readyState }) => readyState > 1
const address = `ws://${host}:${servers.websocket}`

/** Lines over one connection, each echoed by the server. */
async function line(socket, token) {
  socket.write(`${token}\n`)
  return new Promise((resolve, reject) => {
    const onData = (data) => {
      if (!String(data).includes(token)) return
      socket.off('data', onData)
      resolve()
    }
    socket
      .on('data', onData)
      .once('error', reject)
      .once('close', () => reject(new Error('the connection is closed')))
  })
}

async function overHttp2(stream, token) {
  stream.end(token)
  await once(stream, 'response')
  await text(stream)
}

export const clients = {
  'net.Socket, kept': async (token) =>
    line(
      kept(
        'net',
        () => net.connect(servers.lines, host).on('error', ignore).setMaxListeners(0),
        ({ destroyed }) => destroyed,
      ),
      token,
    ),
  'tls.TLSSocket, kept': async (token) =>
    line(
      kept(
        'tls',
        () =>
          tls
            .connect({ host, port: servers.secureLines, ca, checkServerIdentity: anyName })
            .on('error', ignore)
            .setMaxListeners(0),
        ({ destroyed }) => destroyed,
      ),
      token,
    ),
  fetch: async (token) => (await fetch(`${plain}/${token}`)).text(),
  'http.Agent': async (token) => get({ request: http.request, host, port: servers.http, path: `/${token}`, agent }),
  'https.Agent': async (token) =>
    get({ request: https.request, host, port: servers.https, path: `/${token}`, agent: secureAgent }),
  http2: async (token) =>
    overHttp2(
      kept(
        'http2',
        () => http2.connect(secure, { ca, checkServerIdentity: anyName }).on('error', ignore),
        ({ destroyed, closed }) => destroyed || closed,
      ).request({
        ':method': 'POST',
        ':path': '/',
      }),
      token,
    ),
  WebSocket: async (token) =>
    exchange(
      kept('WebSocket', () => new WebSocket(address), isOver),
      token,
    ),
  ws: async (token) =>
    exchange(
      kept('ws', () => new Ws(address).on('error', ignore), isOver),
      token,
    ),
  'faye-websocket': async (token) =>
    exchange(
      kept('faye', () => new faye.Client(address), isOver),
      token,
    ),
  eventsource: async (token) => {
    const source = new EventSource(`${plain}/events/${token}`)
    await new Promise((resolve, reject) => {
      source.addEventListener('message', resolve)
      source.addEventListener('error', ({ message, code }) => reject(Object.assign(new Error(message), { code })))
    }).finally(() => source.close())
  },
  'undici, Agent': async (token) => (await request(`${plain}/${token}`, { dispatcher })).body.text(),
  'undici, Pool': async (token) => (await pool.request({ path: `/${token}`, method: 'GET' })).body.text(),
  'undici, fetch': async (token) => (await undiciFetch(`${plain}/${token}`)).text(),
  axios: async (token) => axiosClient.get(`/${token}`),
  got: async (token) => gotClient(token).text(),
  'got-scraping': async (token) => scraping(token).text(),
  'node-fetch': async (token) => (await nodeFetch(`${plain}/${token}`, { agent: keptAlive })).text(),
  superagent: async (token) => superClient.get(`${plain}/${token}`),
  ky: async (token) => kyClient(token).text(),
  needle: async (token) => needle('get', `${plain}/${token}`, needleOptions),
  'request-filtering-agent': async (token) =>
    get({ request: http.request, host, port: servers.http, path: `/${token}`, agent: filtering }),
  'agent-base, one socket': async (token) =>
    get({ request: http.request, host, port: servers.http, path: `/${token}`, agent: oneSocket }),
  'http2-wrapper': async (token) =>
    new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: wrapperAgent, ca, servername: 'localhost' }
      const sent = http2Wrapper.request(secure, options, (response) => resolve(text(response)))
      sent.on('error', reject).end(token)
    }),
}

export const { say, receive } = program(clients)
