/**
 * Lists everything that a version of Node offers. A separate program does it, because the guard and the test runner
 * change their environment.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** By module: each name, and the path under which the same object was found before. */
export type NamesOfNode = Readonly<Record<string, Readonly<Record<string, string | null>>>>

/** Flags that add names. Flags that this version of Node does not have are skipped. */
const flags = [
  'eventsource',
  'webstorage',
  'stream-iter',
  'vm-modules',
  'vfs',
  'bench',
  'web-worker',
  'quic',
  'ffi',
].map((name) => `--experimental-${name}`)

const program = fileURLToPath(new URL('./fixtures/names-of-node.ts', import.meta.url))

/** Returns the names in the main thread and in worker threads of the running Node, with and without those flags. */
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
