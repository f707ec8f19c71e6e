/** Looks at everything that a Node offers, by a program of its own: the guard and the runner of tests change what they run in. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** By module: each name, and the path under which the same thing was met before. */
export type NamesOfNode = Readonly<Record<string, Readonly<Record<string, string | null>>>>

/** Flags that add names. Those that this Node does not have are left out. */
const flags = ['eventsource', 'webstorage', 'stream-iter', 'vm-modules', 'vfs', 'bench', 'web-worker', 'quic', 'ffi'].map(
  (name) => `--experimental-${name}`,
)

const program = fileURLToPath(new URL('./fixtures/names-of-node.ts', import.meta.url))

/** What the main thread and worker threads of the running Node offer, with and without those flags. */
export async function namesOfNode(): Promise<readonly NamesOfNode[]> {
  const supported = flags.filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
  const found = await Promise.all([look([]), look([...supported, '--expose-gc'])])
  return found.flat()
}

async function look(execArgv: readonly string[]): Promise<readonly NamesOfNode[]> {
  const child = fork(program, { execArgv: [...execArgv], env: {}, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const messages: readonly unknown[] = await once(child, 'message')
  const [message] = messages
  return isFound(message) ? [message.program, message.thread] : []
}

function isFound(message: unknown): message is { readonly program: NamesOfNode; readonly thread: NamesOfNode } {
  return typeof message === 'object' && message !== null && 'program' in message && 'thread' in message
}
