/** What `--help` prints. */

export const commandNames = ['init', 'run', 'check', 'list', 'types', 'explain'] as const
export type CommandName = (typeof commandNames)[number]

export function isCommandName(name: string): name is CommandName {
  return commandNames.some((known) => known === name)
}

const commonOptions = `Options:
  --root DIR                     the application's folder (default: the current one)
  --config FILE                  a config file instead of .troupe.yaml; repeatable, later ones win
  --profile NAME                 a profile of the config; repeatable, later ones win
  --set section.path=value       one value of the config
  -o, --override ns:name:field=value   one field of an entry
  --json                         answers in JSON
  -v, --verbose                  stacks of errors
  -h, --help                     this text
  --version                      the version`

const usages: Readonly<Record<CommandName, string>> = {
  init: `Usage: troupe init [dir]

Writes a new application that runs into an empty or new folder.`,
  run: `Usage: troupe run [--watch] [command] [args...]
       troupe run [--watch] --exec ns:name [args...]

Starts the application. With a command (an entry's meta.command.name) or an entry, runs that
process and ends with the number it returns, else 0; 1 when it throws. Without, stays until
SIGINT, SIGTERM or SIGHUP and stops in order; a second signal ends it at once. Words after the command
are the command's own, and so are options.

With --watch, what is saved is taken over while all runs: entries, and the modules of what starts
from then on. What is wrong is told with its place, and what ran goes on running.`,
  check: `Usage: troupe check

Reads every entry and checks its fields, references, module and method, without running any
of the application's code. Prints each problem with its file, line and column, and ends with
status 1 if there is any.`,
  list: `Usage: troupe list [kind]

Prints the entries: all, or those of one kind ("network.socks5") or family ("network.*").
Values are shown as they are written: what \${env:NAME} stands for is not.`,
  types: `Usage: troupe types [--out FILE]

Writes the types of the application's functions and processes to entries.d.ts in its folder, or
to FILE. With it the compiler checks what is passed to funcs.call, processes.spawn and
processes.exec, and knows what comes back. Reads the modules, and runs none.`,
  explain: `Usage: troupe explain <action> <resource> [--actor ID] [--scope ns:name] [--group NAME]
                      [--actor-meta key=value] [--meta key=value]

Tells whether the policies let that actor do it, which of them decides, and why the others do
not. --scope, --group and the facts are repeatable; a value is JSON, or else text. Ends with
status 1 when it is denied.`,
}

const overview = `Usage: troupe <command>

Commands:
  init [dir]              writes a new application
  run [command] [args]    starts the application, or runs one of its commands
  check                   tells all that is wrong with the application
  list [kind]             prints the entries
  types                   writes entries.d.ts, so that the compiler knows the entries
  explain ACTION RESOURCE tells what the policies say to it, and why

"troupe <command> --help" tells more.`

/** Help on one command, or on all. */
export function helpText(topic?: CommandName): string {
  return `${topic === undefined ? overview : usages[topic]}\n\n${commonOptions}`
}
