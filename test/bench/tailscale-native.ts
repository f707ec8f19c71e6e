/** Two tsnet nodes without Node, each in its own process: the sidecar is compared with them in the same run. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'
import { nativeProgram } from '../peers/tailscale-programs.ts'

const ready = z.object({ ev: z.literal('ready'), address: z.string() })
const figures = z.object({
  round_trips: z.record(z.string(), z.number()),
  bulk: z.number(),
  dial_p50: z.number(),
  thousand_dials: z.number(),
})

export interface NativeFigures {
  /** Round trips of 64 bytes a second, by the number of connections: 1, 16, 64. */
  readonly roundTrips: ReadonlyMap<number, number>
  /** MB/s over one connection. */
  readonly bulk: number
  /** Milliseconds, one after the other. */
  readonly dialP50: number
  /** Seconds for a thousand dials at once. */
  readonly thousandDials: number
}

/**
 * Measures two nodes in a tailnet.
 *
 * @param key - A reusable auth key.
 * @param seconds - Length of each measurement of round trips.
 */
export async function measureNative(controlUrl: string, key: string, seconds = 2): Promise<NativeFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'troupe-native-'))
  const server = start('serve', ['-control', controlUrl, '-dir', join(folder, 'serve')], key)
  try {
    const { address } = ready.parse(await firstLine(server))
    const args = ['-control', controlUrl, '-dir', join(folder, 'measure'), '-to', address, '-seconds', String(seconds)]
    const measured = figures.parse(await firstLine(start('measure', args, key)))
    return {
      roundTrips: new Map(
        Object.entries(measured.round_trips).map(([connections, rate]) => [Number(connections), rate]),
      ),
      bulk: measured.bulk,
      dialP50: measured.dial_p50,
      thousandDials: measured.thousand_dials,
    }
  } finally {
    const ended = once(server, 'exit')
    server.stdin.end()
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}

function start(role: string, args: readonly string[], key: string): ChildProcessByStdio<Writable, Readable, null> {
  const env = { ...process.env, TS_DISABLE_PORTMAPPER: '1', GOMEMLIMIT: '128MiB' }
  const child = spawn(nativeProgram, [role, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env })
  child.stdin.write(`${key}\n`)
  return child
}

async function firstLine(child: ChildProcessByStdio<Writable, Readable, null>): Promise<unknown> {
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line)
  throw new Error('the native peer ended before it said anything')
}
