/** Follows `docs/tutorial.md` in an empty folder, with the packed packages, and compares what it shows. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { LoginProxy } from './login-proxy.ts'
import { type Packed, Reader } from './page-reader.ts'
import { partsOf, type Step } from './page-steps.ts'

const page = resolve(import.meta.dirname, '../docs/tutorial.md')

/** Follows the page in `folder`. Traffic stays on loopback: a proxy stands for Tor, and a site for the Internet. */
export async function followTutorial(folder: string, packed: Packed): Promise<void> {
  const text = readFileSync(page, 'utf8')
  const parts = partsOf(text).map(({ title, steps }) => ({ steps, lines: linesOf(text, title) }))
  await using proxy = await LoginProxy.start()
  const target = `site.test:${proxy.webPort}`
  const env = { TOR_PORT: String(proxy.port), SITE: `http://${target}` }
  await using reader = new Reader(folder, packed, env)
  for (const [at, { steps, lines }] of parts.entries()) {
    // The second step does not use the proxy, which alone knows the name.
    const site = at === 1 ? `127.0.0.1:${proxy.webPort}` : target
    await reader.follow(steps.map((step) => localStep(step, site)))
    for (const line of lines) await reader.logs(line)
  }
  const asked = new Set([...proxy.targets.values()].flat())
  if (proxy.targets.size < 2 || [...asked].join() !== target)
    throw new Error(`the proxy was asked for ${JSON.stringify([...proxy.targets])}`)
}

function localStep(step: Step, site: string): Step {
  if ('file' in step) return step
  const command = step.command.replace('https://example.org', `http://${site}`)
  return { command, output: step.output.replace('example.org:443', site) }
}

/** The texts of the log that the part shows: without level, entry and fields, which look different in a terminal. */
function linesOf(text: string, title: string): readonly string[] {
  const part = text.slice(text.indexOf(`## ${title}`)).split('\n## ')[0] ?? ''
  const plain = part.replaceAll(/^```\w+\n[^]*?^```$/gm, '')
  const blocks = Array.from(plain.matchAll(/^```\n([^]*?)^```$/gm), ([, block = '']) => block.trim().split('\n'))
  return blocks.flat().map((line) => line.replace(/^(?:[A-Z]+ )?\S+ (?:<\S+> )?/, '').replace(/ \{.*\}$/, ''))
}
