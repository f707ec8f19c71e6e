/** Follows `docs/first-hour.md` as a newcomer does, in an empty folder, with the packed packages. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { LoginProxy } from './login-proxy.ts'
import { type Packed, Reader } from './page-reader.ts'
import { partsOf, type Step } from './page-steps.ts'

const page = resolve(import.meta.dirname, '../docs/first-hour.md')

/** Follows the page in `folder`. Traffic stays on loopback: a proxy stands for Tor, and a site for the Internet. */
export async function followFirstHour(folder: string, packed: Packed): Promise<void> {
  const [crawler, pipeline, site] = partsOf(readFileSync(page, 'utf8'))
  if (!crawler || !pipeline || !site) throw new Error(`${page} has not its three parts`)
  await using proxy = await LoginProxy.start()
  const web = `127.0.0.1:${proxy.webPort}`
  await crawl(new Reader(folder, packed, { TOR_PORT: String(proxy.port) }), crawler.steps, proxy)
  {
    await using reader = new Reader(folder, packed, { WEB_PORT: '0' })
    await reader.follow(pipeline.steps)
  }
  await using reader = new Reader(folder, packed, {})
  const service = `http://quotes.test:${proxy.webPort}/a`
  const local = (command: string) =>
    command
      .replace('PORT=8378', 'PORT=0')
      .replace('127.0.0.1:9050', `127.0.0.1:${proxy.port}`)
      .replace('https://example.org/', service)
  await reader.follow(site.steps.map((step) => ('command' in step ? { ...step, command: local(step.command) } : step)))
  if (!reader.said.includes('<a href="/">back</a>')) throw new Error(`/quote said: ${reader.said}`)
  const asked = [...proxy.targets.values()].flat()
  if (!asked.includes(`quotes.test:${proxy.webPort}`)) throw new Error(`/quote did not use the proxy ${web}`)
}

/** Each worker has a login of its own, so that Tor gives it a circuit of its own. */
async function crawl(reader: Reader, steps: readonly Step[], proxy: LoginProxy): Promise<void> {
  const start = `http://site.test:${proxy.webPort}/`
  const local = (command: string) => command.replace('https://example.org/', start)
  await reader.follow(steps.map((step) => ('command' in step ? { ...step, command: local(step.command) } : step)))
  for (const path of ['', 'a', 'b', 'c'])
    if (!reader.said.includes(`200 ${start}${path}\n`)) throw new Error(`the crawler said: ${reader.said}`)
  const logins = [...proxy.targets].filter(([, targets]) => targets.every((to) => to.startsWith('site.test:')))
  if (logins.length !== 3 || proxy.targets.size !== 3)
    throw new Error(`three workers used ${proxy.targets.size} logins: ${JSON.stringify([...proxy.targets.values()])}`)
}
