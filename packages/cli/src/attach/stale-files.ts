/** Removes what applications leave in the state folder when they are killed. */
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { attachFiles, isAlive } from 'troupe/app'

/**
 * Removes the socket, the token and the dashboard's file of each application whose process is gone and whose socket has
 * no listener. In another namespace of process ids, such as a container, an application may run that seems to be gone:
 * it listens, so its files stay. Files that cannot be removed stay, too.
 */
export async function removeStaleFiles(stateDir: string): Promise<void> {
  await Promise.all(
    pidsWithFiles(stateDir)
      .filter((pid) => !isAlive(pid))
      .map(async (pid) => {
        const { socket, token, dashboard } = attachFiles(stateDir, pid)
        // A new process may have got the id meanwhile.
        if ((await hasListener(socket)) || isAlive(pid)) return
        await Promise.all(
          [socket, token, dashboard].map(async (file) => rm(file, { force: true }).catch(() => undefined)),
        )
      }),
  )
}

function pidsWithFiles(stateDir: string): readonly number[] {
  try {
    const pids = readdirSync(join(stateDir, 'running')).flatMap(
      (name) => /^(\d+)\.(?:sock|token|dashboard)$/.exec(name)?.[1] ?? [],
    )
    return [...new Set(pids)].map(Number)
  } catch {
    return []
  }
}

/** Whether something accepts connections there, or may: only a refusal and a missing file are certain. */
async function hasListener(socket: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const connection = connect(socket, () => {
    resolve(true)
  })
  connection.on('error', (error) => {
    resolve(!('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')))
  })
  return promise.finally(() => connection.destroy())
}
