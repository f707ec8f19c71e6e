/**
 * Runs the demo. `TROUPE_PROXY=host:port` uses a real SOCKS5 proxy, such as Tor, instead of the embedded one;
 * `TROUPE_ECHO=http://…` uses an echo that this proxy can reach. `--json` prints JSON, `-v` shows the log.
 */
import { createServer } from 'node:net'
import { once } from 'node:events'
import { main } from '@troupe/cli'

const { TROUPE_PROXY: proxy = '', TROUPE_ECHO: echo = '' } = process.env
const [, host, port] = /^(?:socks5h?:\/\/)?(.+):(\d+)\/?$/.exec(proxy) ?? []
if (proxy !== '' && host === undefined) {
  console.error(`TROUPE_PROXY is "${proxy}": expected host:port`)
  process.exit(2)
}
const [proxyPort, deadPort] = await freePorts(2)
const overrides =
  host === undefined
    ? [`app:proxy:port=${proxyPort}`, `app:socks:input=[${proxyPort}]`]
    : [
        `app:proxy:host=${host.replaceAll(/[[\]]/g, '')}`,
        `app:proxy:port=${port}`,
        'app:socks:lifecycle.auto_start=false',
      ]
const verbose = process.argv.includes('-v')

process.exitCode = await main([
  'run',
  '--root',
  import.meta.dirname,
  ...(verbose ? ['-v', '--set', 'log.level=info'] : []),
  ...[...overrides, `app:dead:port=${deadPort}`].flatMap((override) => ['-o', override]),
  'netdemo',
  ...(host === undefined ? [] : ['--proxy', `${host}:${port}`]),
  ...(echo === '' ? [] : ['--echo', echo]),
  ...process.argv.slice(2).filter((word) => word !== '-v'),
])

/** Ports that are free at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  return servers.map((server) => {
    const address = server.address()
    server.close()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
}
