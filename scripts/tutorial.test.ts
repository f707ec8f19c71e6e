/** Follows `docs/tutorial.md`, on loopback: a proxy stands for Tor, and a site for the Internet. */
import { exec } from 'node:child_process'
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { LoginProxy } from './login-proxy.ts'
import { partsOf, type Step } from './page-steps.ts'
import { AppFolder, type Ended, Program } from '../test/cli/app-folder.ts'

const repository = resolve(import.meta.dirname, '..')
const parts = partsOf(readFileSync(join(repository, 'docs/tutorial.md'), 'utf8'))

/** The packages are there already, and so is the folder. */
const done = new Set(['mkdir scraper', 'cd scraper', 'npm install troupe'])

/** Does what the steps describe. */
class Learner implements Disposable {
  readonly #folder = new AppFolder({})
  readonly #env: NodeJS.ProcessEnv
  readonly #site: string
  /** The application that keeps running. */
  application: Program | undefined

  constructor(proxy: LoginProxy) {
    this.#site = `http://site.test:${proxy.webPort}`
    this.#env = { ...process.env, TOR_PORT: String(proxy.port), SITE: this.#site }
  }

  /** Returns how the programs of the steps ended. */
  async follow(steps: readonly Step[] = [], site = this.#site): Promise<readonly Ended[]> {
    const ended: Ended[] = []
    for (const step of steps) {
      if ('file' in step) this.#write(step.file, step.text)
      else if (done.has(step.command)) continue
      else if (step.command === 'npx troupe run --watch') this.application = this.#troupe(['run', '--watch'])
      else if (step.command.includes('npx troupe ')) ended.push(await this.#run(step.command, site))
      else await promisify(exec)(step.command, { cwd: this.#folder.path })
    }
    return ended
  }

  [Symbol.dispose](): void {
    this.application?.[Symbol.dispose]()
    this.#folder[Symbol.dispose]()
  }

  async #run(command: string, site: string): Promise<Ended> {
    const [variables = '', argv = ''] = command.replace('https://example.org', site).split('npx troupe ')
    const [name, value] = variables.trim().split('=')
    using program = this.#troupe(argv.split(' '), name === undefined || name === '' ? {} : { [name]: value })
    return await program.ended
  }

  #troupe(argv: readonly string[], variables: NodeJS.ProcessEnv = {}): Program {
    const { path, programPath } = this.#folder
    return new Program(process.execPath, [programPath, ...argv], path, { ...this.#env, ...variables })
  }

  #write(file: string, text: string): void {
    const path = join(this.#folder.path, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}

it('the tutorial ends with the files of its example', () => {
  const files = parts.flatMap(({ steps }) => steps.filter((step) => 'file' in step))
  for (const [file, text] of new Map(files.map((step) => [step.file, step.text])))
    expect(text).toBe(readFileSync(join(repository, 'examples/tutorial', file), 'utf8'))
})

const [folder, command, throughTor, withoutTor, service, crash, watch, correction, more] = parts.map(
  ({ steps }) => steps,
)
/** Each program is started from its sources, which takes long on a busy machine. */
const patience = { timeout: 600_000 }

it('has eight steps', () => {
  expect([correction?.length, more]).toEqual([1, undefined])
})

it('the first four steps end with a command that sends nothing without Tor', patience, async () => {
  await using proxy = await LoginProxy.start()
  using learner = new Learner(proxy)
  const page = { status: 0, out: '200 95 characters\n' }
  await learner.follow(folder)
  const [checked, visited] = await learner.follow(command, `http://127.0.0.1:${proxy.webPort}`)
  expect([checked?.status, visited]).toEqual([0, expect.objectContaining(page)])
  expect(proxy.targets.size).toBe(0)

  expect(await learner.follow(throughTor)).toEqual([expect.objectContaining(page)])
  const target = `site.test:${proxy.webPort}`
  expect([...proxy.targets.values()]).toEqual([[target]])

  const [failed, explained] = await learner.follow(withoutTor)
  expect([failed?.status, failed?.err.split('\n').slice(-5, -1)]).toEqual([
    1,
    [
      'troupe: app:visit failed',
      'TypeError: fetch failed',
      expect.stringContaining(`because: Unavailable: a connection to ${target} through overlay app:tor failed`),
      'see: troupe docs Unavailable',
    ],
  ])
  expect([explained?.status, explained?.out]).toEqual([0, expect.stringContaining('### `Unavailable`')])
  expect([...proxy.targets.values()]).toEqual([[target]])
})

it('the other steps show a service that crashes, is watched, and is corrected while it runs', patience, async () => {
  await using proxy = await LoginProxy.start()
  using learner = new Learner(proxy)
  await learner.follow(folder)
  await learner.follow(command?.filter((step) => 'file' in step))
  await learner.follow(service)
  await learner.follow(crash)
  const { application } = learner
  if (application === undefined) throw new Error('no step starts the application')
  await application.says('failed: Error: /no-such-page: status 404 at main (src/scraper.ts:10:18)')
  await application.says('"pid":"<2.1>"')

  const looks = await learner.follow(watch)
  expect(looks.map(({ status, err }) => `${status} ${err}`)).toEqual(['0 ', '0 ', '0 '])
  expect(looks[1]?.out).toContain('"app:tor"')

  await learner.follow(correction)
  await application.says('troupe: new code for app:scraper_program')
  await application.says('"msg":"skipped"')
  application.kill('SIGINT')
  expect((await application.ended).status).toBe(0)
  expect(proxy.targets.size).toBeGreaterThan(1)
  expect(new Set([...proxy.targets.values()].flat())).toEqual(new Set([`site.test:${proxy.webPort}`]))
})
