/** A stream of jobs of its own on a real server, and a clock. */
import { randomUUID } from 'node:crypto'
import { connect } from '@nats-io/transport-node'
import { LinkedDriver } from '../driver/linked-driver.ts'
import { JetStreamDriver } from '../jetstream/jetstream-driver.ts'
import { JobStream } from '../jetstream/job-stream.ts'
import { JobsLink } from '../link/jobs-link.ts'
import type { DriverStore } from './driver-contract.ts'

export interface JetStreamStore extends DriverStore {
  /** Opens it as one node of several. */
  open(options?: { readonly isMember?: () => boolean }): Promise<JetStreamDriver>
}

export function jetStreamStore(address: string): JetStreamStore {
  const name = `jobs_${randomUUID()}`
  const prefix = `t.${name}`
  let date = Date.UTC(2026, 0, 1)
  let time = 0
  const clock = { now: () => time, date: () => date }
  const stack = new AsyncDisposableStack()
  return {
    now: clock.date,
    open: async ({ isMember = () => true } = {}) => {
      const connection = await connect({ servers: address, noAsyncTraces: true })
      stack.defer(async () => connection.close())
      const driver = new JetStreamDriver({ prefix, clock, isMember })
      driver.use(await JobStream.open(connection, { name, prefix, replicas: 1 }))
      return driver
    },
    pass: async (ms) => {
      time += ms
      date += ms
    },
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  }
}

/** The same, through what passes calls from the kernel to the link. */
export function linkedStore(address: string): DriverStore {
  const cluster = randomUUID()
  let date = Date.UTC(2026, 0, 1)
  let time = 0
  const clock = { now: () => time, date: () => date }
  const stack = new AsyncDisposableStack()
  let links = 0
  return {
    now: clock.date,
    open: async () => {
      const connection = await connect({ servers: address, noAsyncTraces: true })
      stack.defer(async () => connection.close())
      const driver = new LinkedDriver()
      links += 1
      const name = `link ${links}`
      stack.use(
        new JobsLink({
          clock,
          access: {
            ...{ cluster, node: 'a', replicas: 1, isMember: () => true },
            onConnection: (listener) => {
              listener(connection)
            },
          },
          kernel: {
            commands: async () => structuredClone(await driver.commands(name)),
            settle: async (outcomes, ready) => {
              driver.settle(structuredClone(outcomes), ready)
            },
          },
        }),
      )
      return driver
    },
    pass: async (ms) => {
      time += ms
      date += ms
    },
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  }
}
