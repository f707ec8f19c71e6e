/** Libraries that open connections, to a place that does not exist. Loaded after the guard, as user code is. */
import { once } from 'node:events'
import axios from 'axios'
import got from 'got'
import nodeFetch from 'node-fetch'
import pg from 'pg'
import { Agent, fetch as undiciFetch, Pool, request } from 'undici'
import { WebSocket } from 'ws'

/** @param limit - Milliseconds for a connection, if the user sets them. */
export type Library = (limit?: number) => Promise<unknown>

const plain = 'http://unknown.test/'
const secure = 'https://unknown.test/'
const database = { host: 'unknown.test', user: 'troupe', database: 'postgres' }

export const library: Readonly<Record<string, Library>> = {
  'undici Agent': async (limit) => byAgent(plain, limit),
  'undici Agent by TLS': async (limit) => byAgent(secure, limit),
  'undici Agent with a Host header': async () => byAgent('http://192.0.2.7/', undefined, { host: 'elsewhere.test' }),
  'undici fetch': async () => undiciFetch(plain),
  'undici Pool': async () => {
    const pool = new Pool(plain, { connections: 1 })
    try {
      await pool.request({ path: '/', method: 'GET' })
    } finally {
      await pool.destroy()
    }
  },
  'pg.Client': async (limit) =>
    new pg.Client({ ...database, ...(limit !== undefined && { connectionTimeoutMillis: limit }) })
      .on('error', () => undefined)
      .connect(),
  'pg.Pool': async () => new pg.Pool(database).on('error', () => undefined).query('select 1'),
  ws: async () => once(new WebSocket('ws://unknown.test/'), 'open'),
  'node-fetch': async () => nodeFetch(plain),
  axios: async () => axios.get(plain),
  got: async () => got(plain, { retry: { limit: 0 } }),
}

async function byAgent(
  url: string,
  limit: number | undefined,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const dispatcher = new Agent(limit === undefined ? {} : { connect: { timeout: limit } })
  try {
    await request(url, { dispatcher, headers })
  } finally {
    await dispatcher.destroy()
  }
}
