/** Hands signals on to children that run in place of this program. */
import type { ChildProcess } from 'node:child_process'

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGCONT', 'SIGWINCH'] as const
/** Signals that a terminal sends to all programs in its foreground: the children get them without us. */
const ofTerminal: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGCONT'])

/** Installs the handlers. The program itself then ends only with its children. Returns a function that removes them. */
export function forwardSignals(children: () => Iterable<ChildProcess>): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (process.stdin.isTTY && ofTerminal.has(signal)) return
    for (const child of children()) child.kill(signal)
  }
  for (const signal of forwarded) process.on(signal, onSignal)
  return () => {
    for (const signal of forwarded) process.off(signal, onSignal)
  }
}
