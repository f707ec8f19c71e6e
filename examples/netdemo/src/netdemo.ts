/** The command: sends requests over several edges, and reports which way each of them went. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Pid, processes, self, TroupeError } from 'troupe'
import { type Options, parseOptions } from './options.ts'
import { request } from './request.ts'
import { field, type Sighting, sighting, text } from './sighting.ts'
import { formatTable, type Row } from './table.ts'

const threads = 'app:threads'

export async function main(...args: string[]): Promise<number> {
  const options = parseOptions(args)
  const rows: Row[] = []
  const show = (row: Row) => void rows.push(row)

  const echo = await whereEcho()
  const target = options.echo ?? echo.url

  // Code that chose no network gets the clear network.
  show(await clear('chooses nothing', echo.url))

  // One choice at the top applies to everything that happens under it.
  const chain = await spawn('app:chain', 'app:proxy', target)
  const opened = options.proxy === undefined ? await openedByProxy() : undefined
  const through = (step: string, entry: string, value: unknown) =>
    proxied(step, entry, sighting(value), options, opened)
  if ('error' in chain) show(failure(chain.pid, chain.error, options))
  else {
    show(through('spawned with network: app:proxy', 'app:chain', field(chain.value, 'own')))
    show(through('spawned by that process, inherits', 'app:probe', field(chain.value, 'child')))
    show(through('function that it called, inherits', 'app:ask', field(chain.value, 'called')))
  }

  // The supervisor restarts the processes that crash.
  show(await crash(echo.pid))

  // Without its proxy, an overlay leads nowhere; in particular, traffic does not bypass it.
  show(await failsClosed(options))
  const restarted = await whereEcho()
  show(await clear('chooses nothing, once more', restarted.url))

  console.log(
    options.json
      ? JSON.stringify({ proxy: options.proxy ?? 'embedded', steps: rows }, undefined, 2)
      : formatTable(rows, options),
  )
  return rows.every(({ ok }) => ok) ? 0 : 1
}

async function clear(step: string, url: string): Promise<Row> {
  const seen = await request(url)
  const ok = seen.seen === seen.from
  return {
    step,
    entry: 'app:netdemo',
    pid: seen.pid,
    way: 'direct',
    result: `echo saw ${seen.seen}, our own socket`,
    ok,
  }
}

/**
 * The embedded proxy confirms the connection. For a real proxy, we know that our socket leads to it and that the echo
 * saw another address.
 */
function proxied(
  step: string,
  entry: string,
  { pid, from, to, seen }: Sighting,
  { proxy = '' }: Options,
  opened: readonly string[] | undefined,
): Row {
  const ok = opened ? opened.includes(seen) : seen !== '' && seen !== from && portOf(to) === portOf(proxy)
  const witness = opened ? 'a socket of the proxy' : `not our socket ${from}`
  const result = `echo saw ${seen}, ${ok ? witness : 'which is not what was promised'}`
  return { step, entry, pid, way: `through ${to}`, result, ok }
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':'))
}

/** Spawns a process in an overlay, and waits for its end. */
async function spawn(id: string, network: string, url: string) {
  const pid = await processes.withOptions({ network }).spawnMonitored(id, threads, url)
  for await (const event of self.events) {
    if (event.type === 'EXIT' && event.from === pid) return { pid, ...event.result }
  }
  throw new TroupeError('Canceled', 'the demo was stopped')
}

async function crash(before: Pid): Promise<Row> {
  const exit = processes.exited(before)
  await processes.send(before, 'crash')
  const ended = await exit
  const after = await successor('app:echo', before)
  const reason = 'error' in ended ? ended.error.message : 'it returned'
  return {
    step: 'echo crashes',
    entry: 'app:echo',
    pid: before,
    way: '',
    result: `"${reason}"; the supervisor started ${after}`,
    ok: 'error' in ended,
  }
}

/** The process that has the name after `before`. */
async function successor(name: string, before: Pid): Promise<Pid> {
  for (;;) {
    const pid = await processes.names.lookup(name)
    if (pid !== undefined && pid !== before) return pid
    await pause(20)
  }
}

async function failsClosed(options: Options): Promise<Row> {
  const network = options.proxy === undefined ? 'app:proxy' : 'app:dead'
  const step = options.proxy === undefined ? 'the proxy stops; same request' : 'same request, overlay without a proxy'
  if (options.proxy === undefined) await stopProxy()
  const { url, served } = await whereEcho()
  const exit = await spawn('app:chain', network, options.echo ?? url)
  const saw = (await whereEcho()).served - served
  if (!('error' in exit))
    return {
      step,
      entry: 'app:chain',
      pid: exit.pid,
      way: 'direct',
      result: 'it went through, and should not have',
      ok: false,
    }
  const { kind } = exit.error
  const result = `${kind}; echo saw ${saw === 0 ? 'nothing' : `${saw} requests`}`
  return { step, entry: 'app:chain', pid: exit.pid, way: 'none', result, ok: kind === 'Unavailable' && saw === 0 }
}

async function stopProxy(): Promise<void> {
  const pid = await processes.names.lookup('app:socks')
  if (pid === undefined) return
  const exit = processes.exited(pid)
  await processes.send(pid, 'stop')
  await exit
}

function failure(pid: Pid, error: TroupeError, options: Options): Row {
  const hint =
    options.proxy !== undefined && options.echo === undefined
      ? ' (Tor, and a proxy on another machine, cannot reach the ' +
        'echo on 127.0.0.1: name another with TROUPE_ECHO=http://…)'
      : ''
  return {
    step: 'spawned with network: app:proxy',
    entry: 'app:chain',
    pid,
    way: 'none',
    result: `${error.kind}: ${error.message}${hint}`,
    ok: false,
  }
}

async function whereEcho(): Promise<{ readonly pid: Pid; readonly url: string; readonly served: number }> {
  const pid = await processes.names.lookup('app:echo')
  if (pid === undefined) throw new TroupeError('NotFound', 'the echo is not running')
  const answer = await processes.call(pid, 'where')
  return { pid, url: text(answer, 'url'), served: Number(text(answer, 'served')) }
}

async function openedByProxy(): Promise<readonly string[]> {
  const opened = field(await processes.call('app:socks', 'opened'), 'opened')
  return Array.isArray(opened) ? opened.map(String) : []
}
