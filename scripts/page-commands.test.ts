/** Runs the commands of all pages, and compares their output with what the pages show. */
import {
  globSync,
  mkdirSync,
  mkdtempDisposableSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LoginProxy } from './login-proxy.ts'
import { type Installed, Reader } from './page-reader.ts'
import { followed, notRun, type Setting, settingsOf } from './page-settings.ts'
import { type Step, stepsIn, unmarkedCommands } from './page-steps.ts'

const repository = resolve(import.meta.dirname, '..')
const modules = join(repository, 'node_modules')
const installed: Installed = { modules, program: join(repository, 'packages/cli/src/troupe.ts') }
/** Records of decisions and of observed facts are no pages for users; the reference is made from the sources. */
const exclude = ['docs/{decisions,discoveries,reference}/**', '**/node_modules/**']
const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/*/README.md'], {
  cwd: repository,
  exclude,
}).toSorted()

const textOf = (page: string) => readFileSync(join(repository, page), 'utf8')
const isListed = (page: string, command: string) =>
  notRun.some((each) => each.page === page && each.commands.test(command))

/** The steps of a page under each key of its settings: the page itself, or one of its parts. */
function stepsByKey(page: string, settings: Readonly<Record<string, Setting>>): ReadonlyMap<string, readonly Step[]> {
  const steps = new Map<string, Step[]>()
  for (const part of textOf(page).split(/^## /m)) {
    const own = `${page}#${part.slice(0, part.indexOf('\n'))}`
    const key = own in settings ? own : page
    const found = stepsIn(part).filter((step) => 'file' in step || !isListed(page, step.command))
    steps.set(key, [...(steps.get(key) ?? []), ...found])
  }
  return new Map([...steps].filter(([, found]) => found.some((step) => 'command' in step)))
}

function replaced(text: string, pairs: Setting['replace'] = []): string {
  return pairs.reduce((changed, [from, to]) => changed.replaceAll(from, to), text)
}

/** The step with what stands here for texts of the page, and an ellipsis for what varies. */
function here(step: Step, { replace, varies = [] }: Setting): Step {
  if ('file' in step) return { ...step, text: replaced(step.text, replace) }
  const output = varies.reduce((text, pattern) => text.replaceAll(pattern, '…'), replaced(step.output, replace))
  return { command: replaced(step.command, replace), output }
}

function write(folder: string, files: Readonly<Record<string, string>> = {}): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    // The state of an application is for its user alone.
    writeFileSync(join(folder, file), text, { mode: 0o600 })
  }
  symlinkSync(modules, join(folder, 'node_modules'))
}

const nowhere = { proxy: 0, site: 0, free: 0, folder: '' }

describe('the commands of all pages', () => {
  const commands = pages.flatMap((page) =>
    stepsIn(textOf(page)).flatMap((step) => ('command' in step ? [{ page, command: step.command }] : [])),
  )

  it('are marked as commands', () => {
    expect(pages.flatMap((page) => unmarkedCommands(textOf(page)).map((line) => `${page}: ${line}`))).toEqual([])
  })

  it('are run here, or by a file that follows their page, or listed with the reason', () => {
    const settings = new Set(Object.keys(settingsOf(nowhere)).map((key) => key.split('#')[0]))
    const isRun = (page: string) => page in followed || settings.has(page)
    expect(commands.filter(({ page, command }) => !isRun(page) && !isListed(page, command))).toEqual([])
    for (const [page, file] of Object.entries(followed))
      expect(readFileSync(join(repository, file), 'utf8')).toContain(page.replace(/^.*\/(.+)\.md$/, '$1'))
    const ci = readFileSync(join(repository, '.ci/run'), 'utf8')
    expect([...ci.matchAll(/^step (npm ci|npm start|npm test)$/gm)]).toHaveLength(3)
  })

  it('are on the pages that the lists name', () => {
    const stale = notRun.filter(
      (each) => !commands.some((one) => isListed(one.page, one.command) && one.page === each.page),
    )
    expect(stale).toEqual([])
  })
})

const keys = Object.keys(settingsOf(nowhere))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('the page', () => {
  it.each(keys)('%s shows what its commands print', { timeout: 600_000 }, async (key) => {
    using temporary = mkdtempDisposableSync(join(tmpdir(), 'troupe-page-'))
    const folder = realpathSync(temporary.path)
    await using proxy = await LoginProxy.start()
    const settings = settingsOf({ proxy: proxy.port, site: proxy.webPort, free: await freePort(), folder })
    const [page = ''] = key.split('#')
    const setting = settings[key] ?? {}
    const steps = stepsByKey(page, settings).get(key) ?? []
    expect(steps.length).toBeGreaterThan(0)
    write(folder, setting.files)
    const path = [join(modules, '.bin'), dirname(process.execPath), process.env['PATH']].join(delimiter)
    // On a slow machine npm draws its progress into a terminal.
    const env = { PATH: path, PORT: '0', TOR_PORT: String(proxy.port), npm_config_progress: 'false' }
    await using reader = new Reader(folder, installed, env, setting.terminal)
    const start: Step[] = setting.runs === true ? [{ command: 'npx troupe run', output: '' }] : []
    const files = steps.filter((step) => 'file' in step)
    await reader.follow([...(start.length > 0 ? files : []), ...start, ...steps].map((step) => here(step, setting)))
  })
})
