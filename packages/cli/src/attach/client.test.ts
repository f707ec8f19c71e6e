import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
