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
  --json                         prints JSON
  -v, --verbose                  prints the stacks of errors
  -h, --help                     prints this text
  --version                      prints the version`

const usages: Readonly<Record<CommandName, string>> = {
  init: `Usage: troupe init [dir]

Writes a new, working application into an empty or new folder.`,
  run: `Usage: troupe run [--watch] [command] [args...]
       troupe run [--watch] --exec ns:name [args...]

Starts the application. With a command (an entry's meta.command.name) or an entry, runs that
process and ends with the number that it returns, otherwise 0; 1 when it throws. Without either,
runs until SIGINT, SIGTERM or SIGHUP and then stops in order; a second signal ends it at once.
Arguments and options after the command belong to the command.

With --watch, applies saved changes while the application runs: entries, and the modules of
processes and calls that start from then on. Prints problems with their positions; the running
application then continues unchanged.`,
  check: `Usage: troupe check

Reads every entry and checks its fields, references, module and method, without running any
of the application's code. Prints each problem with its file, line and column, and ends with
status 1 if there is any.`,
  list: `Usage: troupe list [kind]

Prints the entries: all, or those of one kind ("network.socks5") or family ("network.*").
Values are shown as they are written: the value of \${env:NAME} is not shown.`,
  types: `Usage: troupe types [--out FILE]

Writes the types of the application's functions and processes to entries.d.ts in its folder, or
to FILE. With it, the compiler checks the arguments of funcs.call, processes.spawn and
processes.exec, and knows their results. Reads the modules without running them.`,
  explain: `Usage: troupe explain <action> <resource> [--actor ID] [--scope ns:name] [--group NAME]
                      [--actor-meta key=value] [--meta key=value]

Prints whether the policies allow that actor the action, which policy decides, and why the
others do not apply. --scope, --group and the facts are repeatable; a value is JSON, or otherwise
text. Ends with status 1 when the action is denied.`,
}

const overview = `Usage: troupe <command>

Commands:
  init [dir]              writes a new application
  run [command] [args]    starts the application, or runs one of its commands
  check                   prints all problems of the application
  list [kind]             prints the entries
  types                   writes entries.d.ts, so that the compiler knows the entries
  explain ACTION RESOURCE prints the decision of the policies, and why

"troupe <command> --help" prints the details.`

/** Help on one command, or on all. */
export function helpText(topic?: CommandName): string {
  return `${topic === undefined ? overview : usages[topic]}\n\n${commonOptions}`
}
