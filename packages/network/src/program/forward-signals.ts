/** Hands signals on to children that run in place of this program. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isatty } from 'node:tty'

/** All that can be caught, apart from those about a fault or a limit of the program that gets them. */
const forwarded =
  'SIGINT SIGTERM SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGCONT SIGWINCH SIGALRM SIGVTALRM SIGIO SIGURG SIGPWR'.split(' ')
/** Signals that a terminal sends to all programs in its foreground: the children get them without us. */
const ofTerminal: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGCONT'])

/** Installs the handlers. The program itself then ends only with its children. Returns a function that removes them. */
export function forwardSignals(children: () => Iterable<ChildProcess>): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (ofTerminal.has(signal) && isInForeground()) return
    for (const child of children()) child.kill(signal)
  }
  for (const signal of forwarded) process.on(signal, onSignal)
  return () => {
    for (const signal of forwarded) process.off(signal, onSignal)
  }
}

/** Whether a terminal sends its signals to the group of this process, with the children. */
function isInForeground(): boolean {
  if (![0, 1, 2].some((descriptor) => isatty(descriptor))) return false
  try {
    // Of proc_pid_stat(5), behind the name in brackets: fields 5 (group) and 8 (the group that has the terminal).
    const [, fields = ''] = /\) (.*)$/s.exec(readFileSync('/proc/self/stat', 'utf8')) ?? []
    const [, , group, , , foreground] = fields.split(' ')
    return group === foreground
  } catch {
    return true
  }
}
