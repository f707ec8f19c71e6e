/** Programs that watch one another. */
import { TroupeError } from '@troupe/core'
import { type ProcessEvent, processes, self } from '@troupe/process'

async function nextEvents(count: number): Promise<ProcessEvent[]> {
  const got: ProcessEvent[] = []
  if (count === 0) return got
  for await (const event of self.events) {
    got.push(event)
    if (got.length === count) break
  }
  return got
}

function plain(event: ProcessEvent) {
  switch (event.type) {
    case 'EXIT':
      return { ...event, result: 'error' in event.result ? { error: event.result.error.message } : event.result }
    case 'LINK_DOWN':
      return { ...event, error: event.error?.message }
    default:
      return event
  }
}

/** Spawns a monitored child; returns its pid and the EXITs. */
export async function watch(program: string, ...args: unknown[]) {
  const child = await processes.spawnMonitored(program, 'app:host', ...args)
  return { child, events: (await nextEvents(1)).map(plain) }
}

/** Monitors a process `times` times, says so to `tell`, and returns as many events. */
export async function monitor(target: string, times: number, tell?: string) {
  for (let n = 0; n < times; n += 1) await processes.monitor(target)
  if (tell !== undefined) await processes.send(tell, 'watching')
  return (await nextEvents(times)).map(plain)
}

/** Monitors, thinks better of it, and ends the process; nothing is to be learned of it, though a child's end is. */
export async function unmonitor(target: string) {
  await processes.monitor(target)
  await processes.unmonitor(target)
  await processes.terminate(target)
  await processes.spawnMonitored('app:life.answer', 'app:host', 5)
  return (await nextEvents(1)).map(plain)
}

/** Ends a process that it monitors no longer, while children come and go. */
export async function unmonitorWhileSpawning(target: string, children: number) {
  await processes.monitor(target)
  const spawned = Array.from({ length: children }, async () =>
    processes.spawnMonitored('app:life.answer', 'app:host', 5),
  )
  await processes.send(target, 'end', 'over')
  await processes.unmonitor(target)
  await Promise.all(spawned)
  return (await nextEvents(children)).map(plain)
}

/** Links itself with a process, says so to `tell`, and waits. */
export async function link(target: string, tell?: string, trap = false) {
  self.setOptions({ trapLinks: trap })
  await processes.link(target)
  if (tell !== undefined) await processes.send(tell, 'linked')
  return (await nextEvents(1)).map(plain)
}

/** Links itself, unlinks, and survives the end of the other. */
export async function unlink(target: string) {
  await processes.link(target)
  await processes.unlink(target)
  await processes.terminate(target)
  const exit = await processes.exited(target)
  return 'error' in exit
}

/** Spawns a linked child. */
export async function linkedChild(program: string, trap: boolean, ...args: unknown[]) {
  self.setOptions({ trapLinks: trap })
  const child = await processes.spawnLinked(program, 'app:host', ...args)
  return { child, events: (await nextEvents(1)).map(plain) }
}

/** Spawns a child that is linked and monitored: both tell, EXIT first. */
export async function both(program: string, ...args: unknown[]) {
  self.setOptions({ trapLinks: true })
  const child = await processes.spawnLinkedMonitored(program, 'app:host', ...args)
  return { child, events: (await nextEvents(2)).map(plain) }
}

/** Spawns a linked child, names it to `tell`, and ends as a message requests. */
export async function parent(tell: string) {
  const child = await processes.spawnLinked('app:life.wait', 'app:host')
  await processes.send(tell, 'child', child)
  const { payload } = await self.receive()
  if (payload === 'throw') throw new TroupeError('Internal', 'the parent failed')
}

/** Spawns a linked child and returns without waiting. */
export function hastyParent() {
  void processes.spawnLinked('app:life.wait', 'app:host')
}
