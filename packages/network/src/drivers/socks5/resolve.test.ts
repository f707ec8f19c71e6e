import { describe, expect, it } from 'vitest'
import { resolve, reverse } from '../../dial/dial.ts'
import { granted, greeting, route } from './testing/sample.ts'
import { readRequest, ScriptedProxy } from './testing/scripted-proxy.ts'

/** A proxy that sends one reply, and the requests that it received: command, then address. */
async function answeringWith(reply: Buffer) {
  const requests: unknown[] = []
  const proxy = await ScriptedProxy.start(async (socket, read) => {
    await read(3)
    socket.write(greeting)
    const before = proxy.heard.length
    const { address, port } = await readRequest(read)
    requests.push([proxy.heard[before]?.readUInt8(1), String(address), port])
    socket.end(reply)
  })
  return { proxy, requests }
}

const named = (name: string) => Buffer.from([5, 0, 0, 3, name.length, ...Buffer.from(name, 'latin1'), 0, 0])

describe('resolving', () => {
  it('requests an address with RESOLVE', async () => {
    const { proxy, requests } = await answeringWith(granted.ipv4)
    await using _ = proxy
    expect(await resolve(route(proxy), 'bücher.example')).toEqual([{ address: '127.0.0.1', family: 4 }])
    expect(requests).toEqual([[0xf0, 'xn--bcher-kva.example', 0]])
    await proxy.deserted()
  })

  it('returns an address of either family, or only of the requested one', async () => {
    const { proxy } = await answeringWith(granted.ipv6)
    await using _ = proxy
    expect(await resolve(route(proxy), 'six.test')).toEqual([{ address: '::', family: 6 }])
    expect(await resolve(route(proxy), 'six.test', { family: 6 })).toEqual([{ address: '::', family: 6 }])
    await expect(resolve(route(proxy), 'six.test', { family: 4 })).rejects.toMatchObject({
      kind: 'Unavailable',
      details: { target: 'six.test' },
    })
  })

  it('sends no request for an address', async () => {
    expect(await resolve(route({ port: 9 }), '192.0.2.7')).toEqual([{ address: '192.0.2.7', family: 4 }])
    await expect(resolve(route({ port: 9 }), '192.0.2.7', { family: 6 })).rejects.toMatchObject({ kind: 'Unavailable' })
  })

  it.each([
    [4, 'Unavailable', true],
    [7, 'Invalid', false],
  ])('reports the refusal %d, for any address type', async (code, kind, retryable) => {
    const { proxy } = await answeringWith(Buffer.from([5, code, 0, 0, 0, 0, 0, 0, 0, 0]))
    await using _ = proxy
    const error: unknown = await resolve(route(proxy), 'nowhere.test').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind, retryable, details: { replyCode: code } })
  })

  it('does not accept a name as an address', async () => {
    const { proxy } = await answeringWith(named('a.test'))
    await using _ = proxy
    await expect(resolve(route(proxy), 'a.test')).rejects.toMatchObject({ kind: 'Unavailable' })
  })
})

describe('reverse resolving', () => {
  it('requests a name with RESOLVE_PTR', async () => {
    const { proxy, requests } = await answeringWith(named('web.test'))
    await using _ = proxy
    expect(await reverse(route(proxy), '192.0.2.7')).toEqual(['web.test'])
    expect(requests).toEqual([[0xf1, String(Buffer.from([192, 0, 2, 7])), 0]])
  })

  it('refuses input that is not an address, and results that are not names', async () => {
    await expect(reverse(route({ port: 9 }), 'web.test')).rejects.toMatchObject({ kind: 'Invalid' })
    const { proxy } = await answeringWith(named('we\nb.test'))
    await using _ = proxy
    await expect(reverse(route(proxy), '192.0.2.7')).rejects.toMatchObject({ kind: 'Unavailable' })
  })
})
