import { env, funcs, http, processes, self } from 'troupe'

export async function main(url = 'http://example.org/') {
  // A supervised worker: it crashes, and is there again, with a fresh state.
  const [first, second] = [await processes.call('app:counter', 'add'), await processes.call('app:counter', 'add')]
  console.log('counted to', first, 'and', second)
  const before = await processes.names.lookup('app:counter')
  await processes.send('app:counter', 'crash')
  while ([before, undefined].includes(await processes.names.lookup('app:counter'))) await new Promise(setImmediate)
  console.log('crashed, restarted, counted to', await processes.call('app:counter', 'add'))

  // A monitored process, spawned onto an overlay: what it does goes through the proxy, or fails.
  const pid = await processes.withOptions({ network: 'app:proxy' }).spawnMonitored('app:fetcher', 'app:threads', url)
  for await (const event of self.events) {
    if (event.type !== 'EXIT' || event.from !== pid) continue
    console.log('through the proxy:', 'error' in event.result ? event.result.error.kind : event.result.value)
    break
  }

  // Services composed of functions, each on threads of its own.
  console.log('tea, tea and cake cost', await funcs.call('app:total', ['tea', 'tea', 'cake']))
  const port = (await env.get('TOUR_WEB_PORT')) ?? 8377
  console.log('over HTTP:', await (await http.get(`http://127.0.0.1:${port}/shop/bill/tea,cake`)).text())
}
