import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Association } from '../../overlay/association.ts'
import { associate } from '../../dial/dial.ts'
import type { Target } from '../../overlay/overlay.ts'
import { addressName } from './destination.ts'
import { destination, failure, privateKey, route } from './testing/sample.ts'
import { greeting, type Script, ScriptedBridge } from './testing/scripted-bridge.ts'

let stack = new AsyncDisposableStack()
/** Receives the datagrams that the client sends to the bridge. */
let taker: DatagramSocket
let taken: Buffer[]

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  taken = []
  taker = createSocket('udp4', (packet) => taken.push(packet))
  await once(taker.bind(0, '127.0.0.1'), 'listening')
  stack.defer(() => void taker.close())
})
afterEach(async () => stack.disposeAsync())

const made: Script = (line, say) => {
  if (line.startsWith('HELLO')) say(greeting)
  else if (line.startsWith('NAMING')) say(`NAMING REPLY RESULT=OK NAME=site.i2p VALUE=${destination('site')}\n`)
  else say(`SESSION STATUS RESULT=OK DESTINATION=${privateKey('own')}\n`)
}

const plan = () => ({ datagrams: { port: taker.address().port, signatureType: 7, options: { 'inbound.length': '0' } } })

async function start(
  script: Script = made,
): Promise<{ bridge: ScriptedBridge; association: Association; port: number }> {
  const bridge = stack.use(await ScriptedBridge.start(script))
  const association = stack.use(await associate(route(bridge, {}, plan())))
  const asked = bridge.lines.find((line) => line.startsWith('SESSION'))
  return { bridge, association, port: Number(/ PORT=(\d+)/.exec(asked ?? '')?.[1]) }
}

const message = async (association: Association) =>
  new Promise<readonly [string, Target]>((resolve) =>
    association.once('message', (data, from) => resolve([String(data), from])),
  )

describe('datagrams of I2P', () => {
  it('have their own session, with an address', async () => {
    const { association, bridge, port } = await start()
    expect(association.address).toEqual({ host: await addressName(destination('own')), port: 80 })
    expect(
      bridge.lines
        .at(-1)
        ?.replace(/ ID=[0-9a-f]{32} /, ' ID=… ')
        .replace(/ PORT=\d+ /, ' PORT=… '),
    ).toBe(
      'SESSION CREATE STYLE=DATAGRAM ID=… DESTINATION=TRANSIENT SIGNATURE_TYPE=7 ' +
        'HOST=127.0.0.1 PORT=… inbound.length=0',
    )
    expect(port).toBeGreaterThan(0)
  })

  it('go to destinations, names and addresses: a name is looked up once', async () => {
    const { association, bridge } = await start()
    for (const host of [destination('x'), 'site.i2p', 'site.i2p'])
      await association.send(Buffer.from('hello'), { host, port: 80 })
    await expect.poll(() => taken.length).toBe(3)
    const id = / ID=(\S+)/.exec(bridge.lines.find((line) => line.startsWith('SESSION')) ?? '')?.[1]
    expect(taken.map(String)).toEqual(['x', 'site', 'site'].map((name) => `3.0 ${id} ${destination(name)}\nhello`))
    expect(bridge.lines.filter((line) => line.startsWith('NAMING'))).toHaveLength(1)
  })

  it('arrive with their sender, and can be answered without a lookup', async () => {
    const { association, bridge, port } = await start()
    const heard = message(association)
    taker.send(`${destination('friend')} FROM_PORT=0 TO_PORT=0\nhi\nthere`, port, '127.0.0.1')
    const [data, from] = await heard
    expect([data, from]).toEqual(['hi\nthere', { host: await addressName(destination('friend')), port: 80 }])
    await association.send(Buffer.from('back'), from)
    await expect.poll(() => String(taken[0])).toContain(`${destination('friend')}\nback`)
    expect(bridge.lines.some((line) => line.startsWith('NAMING'))).toBe(false)
  })

  it('without a sender are dropped', async () => {
    const { association, port } = await start()
    const heard = message(association)
    for (const noise of ['', '\n', 'hello', `${destination('x').slice(0, 99)}\nx`, `${destination('real')}\nreal`])
      taker.send(noise, port, '127.0.0.1')
    expect((await heard)[0]).toBe('real')
  })

  it('end with the session, on either side', async () => {
    const { association, bridge } = await start()
    const closed = new Promise((resolve) => association.once('close', resolve))
    bridge.cut()
    expect(await closed).toMatchObject({ kind: 'Unavailable' })
    const target = { host: destination('x'), port: 80 }
    expect(await failure(association.send(Buffer.from('x'), target))).toMatchObject({ kind: 'Unavailable' })
    const other = await start()
    other.association.close()
    other.association.close()
    await other.bridge.deserted()
  })

  it('may be too long, or have no destination', async () => {
    const { association } = await start()
    expect(await failure(association.send(Buffer.alloc(31_745), { host: 'site.i2p', port: 80 }))).toMatchObject({
      kind: 'Invalid',
    })
    expect(await failure(association.send(Buffer.alloc(1), { host: '192.0.2.1', port: 80 }))).toMatchObject({
      kind: 'Invalid',
    })
  })

  it('are Unavailable if the router opens no session, or takes too long', async () => {
    await using refusing = await ScriptedBridge.start((line, say) => {
      say(line.startsWith('HELLO') ? greeting : 'SESSION STATUS RESULT=I2P_ERROR MESSAGE="no datagrams"\n')
    })
    expect(await failure(associate(route(refusing, {}, plan())))).toMatchObject({
      kind: 'Unavailable',
      details: { result: 'I2P_ERROR' },
    })
    await refusing.deserted()
    await using silent = await ScriptedBridge.start((line, say) => {
      if (line.startsWith('HELLO')) say(greeting)
    })
    expect(await failure(associate(route(silent, {}, plan()), { timeout: 50 }))).toMatchObject({ kind: 'Timeout' })
    await silent.deserted()
  })
})
