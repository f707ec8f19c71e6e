/** What `--help` prints. */

/** Commands for a running application: the first ones look into it, the others steer it. */
const attachNames = [
  'ps',
  'tree',
  'overlays',
  'connections',
  'pools',
  'threads',
  'policies',
  'dead',
  'queues',
  'dead-jobs',
  'registry',
  'log',
  'profile',
  'top',
  'trace',
  'flow',
  'dashboard',
  'kill',
  'cancel',
  'start',
  'stop',
  'restart',
  'close',
] as const
/** The name of such a command. */
export type AttachName = (typeof attachNames)[number]

export const commandNames = [
  'init',
  'run',
  'check',
  'list',
  'types',
  'explain',
  'doctor',
  'docs',
  'cluster',
  'exec',
  ...attachNames,
] as const
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

const attached = `Usage: troupe ps | tree | overlays | connections | pools | threads [--pid N] [--json]
       troupe top [--pid N]
       troupe trace <pid> [--for 10s] [--max 1000] [--format text|json|mermaid]
       troupe flow [--for 10s] [--max 1000] [--by entry|process]
       troupe policies [--follow] [--for 10s] [--max 1000]
       troupe dashboard [reader]
       troupe kill <pid> | cancel <pid> | close <connection>
       troupe start <service> | stop <service> | restart <service>
       troupe dead [list] | dead replay <id> | dead drop <id>
       troupe queues
       troupe dead-jobs list <queue> | dead-jobs replay <queue> <id> | dead-jobs drop <queue> <id>
       troupe registry [log] | registry diff <from> <to> | registry rollback <version>
       troupe log level <level> [--entry ns:name]
       troupe profile <thread> --cpu 10s | --heap

Looks into the application of this folder while "troupe run" runs it, or steers it. Only the user
who started it may do so. Without a terminal it prints one JSON document, as with --json. Where
several run, --pid chooses one. Each action leaves a line in the application's log.

trace records the messages that a process takes and sends, without payloads; flow counts who sends
to whom. policies counts what each policy allowed and denied; with --follow it prints each decision
as it is made, up to a hundred of each verdict a second, and the number of the others. dashboard
prints the address of the web page, with a token; that of a reader changes nothing.

queues counts the jobs of each queue. dead-jobs lists those that failed for the last time, without
what is in them, lets one run again, or removes it.

A level is trace, debug, info, warn, error, fatal, silent, or "configured" for that of the config.
A profile is written into the current folder, for its owner alone; a heap contains all secrets.`

const usages: Readonly<Record<Exclude<CommandName, AttachName>, string>> = {
  init: `Usage: troupe init [dir] [--from DIR]

Writes a new, working application into a folder, or adds one to the project there: files, and in
package.json what is missing. Existing files stay as they are. --from installs packed packages
from a folder instead of the published ones.`,
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
processes.exec, and knows their results. Reads the modules without running them. Also writes JSON
schemas of _index.yaml and .troupe.yaml for editors into .troupe.`,
  doctor: `Usage: troupe doctor

Examines the application and this machine: Node, the configuration, whether overlays can be reached
and accept their logins, permissions of state and keys, ports, certificates, the clock, limits, and
settings by which names leave in the clear. Prints each finding with its remedy. Changes nothing,
starts nothing, and connects only to what the entries name. Ends with status 1 if there is an error;
warnings do not change the status. Without a terminal it prints one JSON document, as with --json.`,
  docs: `Usage: troupe docs [word]

Prints what the reference says about a word: a kind of entry, a field, a section of the
configuration, a command, an error, a metric or a permission. Without a word, prints what there is.
It reads files of the installed package, and needs no network.`,
  cluster: `Usage: troupe cluster check [--monitor URL]...
       troupe cluster status [--pid N]
       troupe cluster credentials NODE... [--out FILE]

check connects to each server of the section "cluster", and examines version, JetStream, replicas,
and the bucket of the nodes, which it makes if there is none. --monitor names the monitoring port of
a server: it shows whether each message is written to the disk at once. Ends with status 1 if there
is an error; warnings do not change the status.

status prints the nodes: those that the application of this folder knows while it runs, otherwise
the records of all nodes on the servers.

credentials makes a key for each node. It writes the secret half into .troupe/NODE.nk (or into FILE
for one node, or cluster.credentials for this node), for its owner alone, and prints the
configuration of the servers, with what the nodes may do there. An existing file is not replaced.

Without a terminal, check and status print one JSON document, as with --json. check, and status
without a running application, connect in the clear: with an overlay they refuse to.`,
  exec: `Usage: troupe exec --network NETWORK [options] [--] program [args...]

Runs a Node program with all its traffic in an overlay, without an application. Every socket of
the program, of its threads and of the Node programs that it starts goes through the overlay, or
is refused with an error that names it. Ends with the program's status, or by its signal.

  --network NETWORK   socks5://[user:password@]host:port, socks5+unix:/path, tor (127.0.0.1:9050),
                      tailnet (auth key in TS_AUTHKEY), i2p, or an entry of the application in
                      this folder (app.net:proxy); @FILE and - read it from a file or the input.
                      Default: the variable TROUPE_EXEC_NETWORK
  --isolate           a circuit of its own for each process (Tor and other SOCKS5 proxies)
  --allow LIST        what stays in the clear: 127.0.0.0/8,db.internal,*.test,/run/db.sock; servers
                      may listen on these addresses, and on all with 0.0.0.0
  --native LIST       programs, and packages with native addons, that open no sockets
  --report[=json]     prints at the end, on stderr, what went where and what was refused
  --root DIR, --config FILE, --profile NAME   the application of an entry`,
  explain: `Usage: troupe explain <action> <resource> [--actor ID] [--scope ns:name] [--group NAME]
                      [--actor-meta key=value] [--meta key=value] [--running] [--pid N]

Prints whether the policies allow that actor the action, which policy decides, and why the
others do not apply. --scope, --group and the facts are repeatable; a value is JSON, or otherwise
text. Reads the policies of the files; with --running, or --pid where several run, those of the
application that runs. Ends with status 1 when the action is denied.`,
}

const overview = `Usage: troupe <command>

Commands:
  init [dir]              writes a new application, or adds one to a project
  run [command] [args]    starts the application, or runs one of its commands
  check                   prints all problems of the application
  list [kind]             prints the entries
  types                   writes entries.d.ts, so that the compiler knows the entries
  doctor                  examines the application and this machine
  docs [word]             prints the reference
  cluster                 examines its servers, shows its nodes, and makes keys for them
  ps, tree, top           show the processes of the application while it runs
  overlays, connections   show its overlays, and what goes through them
  pools, threads, dead    show its functions and services, threads, and messages that no process took
  queues, dead-jobs       count the jobs of its queues, and list, replay and drop those that are dead
  registry                shows its versions, and goes back to one
  policies                counts what they decided, or prints each decision
  log level, profile      change what it logs, and profile a thread
  kill, cancel, close     end a process, or a connection
  start, stop, restart    steer its services
  explain ACTION RESOURCE prints the decision of the policies, and why
  exec PROGRAM [args]     runs any Node program with all its traffic in an overlay

"troupe <command> --help" prints the details.`

/** Help on one command, or on all. */
export function helpText(topic?: CommandName): string {
  if (topic === 'exec') return usages.exec
  return `${topic === undefined ? overview : isAttachName(topic) ? attached : usages[topic]}\n\n${commonOptions}`
}

/** Whether a command is for a running application. */
export function isAttachName(name: string): name is AttachName {
  return attachNames.some((known) => known === name)
}
