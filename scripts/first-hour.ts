/** Follows `docs/first-hour.md` as a newcomer does, in an empty folder, with the packed packages. */
import { exec, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { LoginProxy } from './login-proxy.ts'
import { partsOf, type Step } from './page-steps.ts'

const page = resolve(import.meta.dirname, '../docs/first-hour.md')
const quiet = '--no-audit --no-fund --loglevel=error --prefer-offline'

/** The packed packages. */
export interface Packed {
  /** The folder with all of them. */
  readonly folder: string
  /** The package of `npm create troupe`. */
  readonly creator: string
  /** The packages that `npm install troupe` installs. */
  readonly packages: readonly string[]
}

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

/** Reads a part of the page, and does what it says. */
class Reader implements AsyncDisposable {
  /** What the last command wrote. */
  said = ''
  readonly #packed: Packed
  readonly #env: NodeJS.ProcessEnv
  readonly #running = new AsyncDisposableStack()
  #folder: string
  /** The port of the program that keeps running, in place of the one on the page. */
  #port = ''

  constructor(folder: string, packed: Packed, env: NodeJS.ProcessEnv) {
    this.#folder = folder
    this.#packed = packed
    this.#env = { ...process.env, ...env }
  }

  async follow(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if ('file' in step) this.#write(step.file, step.text)
      else await this.#do(step.command, step.output)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync()
  }

  #write(file: string, text: string): void {
    const path = join(this.#folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  async #do(command: string, output: string): Promise<void> {
    console.log(`$ ${command}`)
    const [, folder] = /^cd (\S+)$/.exec(command) ?? []
    if (folder !== undefined) this.#folder = join(this.#folder, folder)
    else if (/^npx troupe run$|node start\.ts$/.test(command)) await this.#start(command)
    else if (command.startsWith('curl ')) await this.#get(command.slice('curl '.length))
    else await this.#run(this.#local(command))
    if (output !== '' && this.said.trim() !== output.trim())
      throw new Error(`${command}: the page shows ${output}, and this is ${this.said}`)
  }

  /** The command with the packed packages in place of the published ones. */
  #local(command: string): string {
    const { folder, creator, packages } = this.#packed
    return command
      .replace('npm create troupe@latest', `npm exec --yes --prefer-offline --package=${creator} -- create-troupe`)
      .replace(/(create-troupe \S+)$/, `$1 --from ${folder}`)
      .replace(/^npm install troupe\b/, `npm install ${packages.join(' ')}`)
      .replace(/^npm install/, `npm install ${quiet}`)
  }

  /** Not synchronously: the proxy and the site are in this process. */
  async #run(command: string): Promise<void> {
    const { stdout } = await promisify(exec)(command, { cwd: this.#folder, env: this.#env })
    this.said = stdout
  }

  async #start(command: string): Promise<void> {
    // A group of its own: the shell and npx are between.
    const child = spawn(command, { cwd: this.#folder, env: this.#env, shell: true, detached: true })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    this.#running.defer(async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
      await ended
    })
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        const [, port] = /(?:listens on 127\.0\.0\.1:|listening on )(\d+)/.exec(said) ?? []
        if (port !== undefined) resolve(port)
      })
    void ended.then(() => reject(new Error(`${command} ended:\n${said}`)))
    this.#port = await promise
  }

  async #get(url: string): Promise<void> {
    const response = await fetch(url.replace(/:\d+/, `:${this.#port}`))
    this.said = await response.text()
    if (!response.ok) throw new Error(`${url}: ${response.status} ${this.said}`)
  }
}
