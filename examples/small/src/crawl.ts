import { start } from 'troupe'

const port = Number(process.env['TOR_PORT'] ?? 9050)
await using app = await start({
  networks: { tor: { kind: 'network.socks5', host: '127.0.0.1', port, isolate: 'process' } },
})
const source = new URL('page.ts', import.meta.url)
const workers = process.argv.slice(2).map(async (url) => app.spawn({ source, network: 'tor' }, url))
for (const worker of await Promise.all(workers)) console.log(await worker.exited)
