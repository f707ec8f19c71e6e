import { mkdirSync, mkdtempDisposableSync, rmdirSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { attachFiles } from 'troupe/app'
import { attach } from './client.ts'

let state: ReturnType<typeof mkdtempDisposableSync>
const servers: Server[] = []
beforeEach(() => {
  state = mkdtempDisposableSync(`${tmpdir()}/troupe-attach-`)
  mkdirSync(join(state.path, 'running'))
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
  state.remove()
})

/** Listens as the application of a process. */
async function listen(server: Server, pid: number): Promise<void> {
  const { socket, token } = attachFiles(state.path, pid)
  writeFileSync(token, 'secret')
  servers.push(server)
  await once(server.listen(socket), 'listening')
}

/** What an application leaves that was killed: a file without a listener, beside its token. */
function leave(pid: number): void {
  const { socket, token } = attachFiles(state.path, pid)
  writeFileSync(socket, '')
  writeFileSync(token, 'old')
}

const application = () => createHttp((_, response) => response.end('{}'))

describe('attach', () => {
  it('does not take a program for an application that has the process id of one that was killed', async () => {
    leave(process.ppid)
    await expect(attach(state.path)).rejects.toMatchObject({ kind: 'NotFound' })
    await listen(application(), process.pid)
    expect((await attach(state.path)).pid).toBe(process.pid)
  })

  it('reports a folder that it cannot read, and not that no application runs', async () => {
    rmdirSync(join(state.path, 'running'))
    await expect(attach(state.path)).rejects.toMatchObject({ kind: 'NotFound' })
    writeFileSync(join(state.path, 'running'), '')
    await expect(attach(state.path)).rejects.toThrow('cannot be read (ENOTDIR): run the command as the user of')
  })

  it('does not wait for an application that is stopped', async () => {
    await listen(createServer(), process.pid)
    await expect(attach(state.path, undefined, 50)).rejects.toMatchObject({
      kind: 'Unavailable',
      message: `process ${process.pid} does not reply: it is stopped (SIGSTOP), or its main thread is busy`,
    })
  })

  it('asks which one where several reply', async () => {
    await listen(application(), process.pid)
    await listen(application(), process.ppid)
    await expect(attach(state.path)).rejects.toThrow('several applications of this folder run')
    expect((await attach(state.path, process.ppid)).pid).toBe(process.ppid)
  })
})

/** An application; `onHead` returns whether it replies to that request for a sign of life. */
async function scripted(onHead: (count: number) => boolean, onGet: (response: ServerResponse) => void) {
  let heads = 0
  const asked = Promise.withResolvers<ServerResponse>()
  const server = createHttp((request, response) => {
    if (request.method === 'GET') {
      asked.resolve(response)
      onGet(response)
    } else if (onHead((heads += 1))) response.end()
  })
  await listen(server, process.pid)
  const close = () => {
    server.closeAllConnections()
  }
  return { asked: asked.promise, close }
}

describe('a client', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('throws the kind of error that the application replied with', async () => {
    await scripted(
      () => true,
      (response) => response.writeHead(404).end('{"kind":"NotFound","error":"there is no thread 9"}'),
    )
    const client = await attach(state.path)
    await expect(client.observe()).rejects.toMatchObject({ kind: 'NotFound', message: 'there is no thread 9' })
  })

  it('reports an application that is killed while it replies', async () => {
    await scripted(
      () => true,
      (response) => {
        response.writeHead(200, { 'content-length': 100 })
        response.write('{', () => response.destroy())
      },
    )
    const client = await attach(state.path)
    await expect(client.observe()).rejects.toMatchObject({
      kind: 'Unavailable',
      message: 'the application ended while it replied',
    })
  })

  it('waits for a long reply while the application shows signs of life', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const looked = Promise.withResolvers<boolean>()
    const application = await scripted(
      (count) => {
        if (count > 1) looked.resolve(true)
        return true
      },
      () => {},
    )
    const client = await attach(state.path, undefined, 1000)
    const observation = client.observe()
    const response = await application.asked
    await vi.advanceTimersByTimeAsync(1000)
    await looked.promise
    response.end('{"at":1}')
    expect(await observation).toEqual({ at: 1 })
  })

  it('does not wait for an application that was stopped after its first reply', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const looked = Promise.withResolvers<boolean>()
    const application = await scripted(
      (count) => {
        if (count > 1) looked.resolve(true)
        return count === 1
      },
      () => {},
    )
    const client = await attach(state.path, undefined, 1000)
    const failure = client.observe().catch((error: unknown) => error)
    await application.asked
    await vi.advanceTimersByTimeAsync(1000)
    await looked.promise
    await vi.advanceTimersByTimeAsync(1000)
    expect(await failure).toMatchObject({
      kind: 'Unavailable',
      message: `process ${process.pid} does not reply: it is stopped (SIGSTOP), or its main thread is busy`,
    })
    application.close()
  })
})
