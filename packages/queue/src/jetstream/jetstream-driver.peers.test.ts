/** The contract of drivers, on a real server. */
import { afterAll, beforeAll } from 'vitest'
import { testDriver } from '../testing/driver-contract.ts'
import { jetStreamStore, linkedStore } from '../testing/jetstream-store.ts'
import { testKeys } from '../testing/key-contract.ts'
import { testReported } from '../testing/reported-contract.ts'
import { type NatsServer, startNatsServer } from '../testing/nats-server.ts'

let server: NatsServer | undefined

beforeAll(async () => {
  server = await startNatsServer()
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
})

const store = async () => jetStreamStore(server?.address ?? '')

testDriver('JetStream', store)
testKeys('JetStream', store)
testReported('JetStream', store)

const linked = async () => linkedStore(server?.address ?? '')

testDriver('JetStream through the link', linked)
testKeys('JetStream through the link', linked)
testReported('JetStream through the link', linked)
