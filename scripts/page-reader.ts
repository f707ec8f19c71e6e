/** Follows the commands and files of a page, with other packages in place of the published ones. */
import { exec, spawn } from 'node:child_process'
import { existsSync, globSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify, stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import type { Step } from './page-steps.ts'

const quiet = '--no-audit --no-fund --loglevel=error --prefer-offline'

/** The packed packages. */
export interface Packed {
  /** The folder with all of them. */
  readonly folder: string
  /** The package of `npm create troupe`. */
  readonly creator: string
  /** The packages that `npm install troupe` installs. */
  readonly packages: readonly string[]
  /** `@troupe/tsnet`, and the packages with its program for single platforms. */
  readonly sidecars: readonly string[]
}

/** Packages that are there: nothing is installed. */
export interface Installed {
  /** Becomes `node_modules` of the application. */
  readonly modules: string
  /** The file of the program `troupe`. */
  readonly program: string
}

/** Returns the packed packages in `folder`. */
export function packedIn(folder: string): Packed {
  const files = globSync('*.tgz', { cwd: folder })
  if (files.length === 0) throw new Error('nothing is packed: run npm run pack:all')
  const paths = (isOne: (file: string) => boolean) => files.filter(isOne).map((file) => join(folder, file))
  // An application without a tailnet and without an embedded server installs neither.
  const isSidecar = (file: string) => /^troupe-(?:nats|tsnet)-/.test(file)
  const isCreator = (file: string) => file.startsWith('create-')
  return {
    folder,
    creator: paths(isCreator)[0] ?? '',
    packages: paths((file) => !isSidecar(file) && !isCreator(file)),
    sidecars: paths(isSidecar),
  }
}

/** The commands of programs that keep running, after their variables. */
const servers = new RegExp(
  String.raw`(?:^| )(?:npx (?:troupe run(?: --watch)?|next (?:start|dev).*)|` +
    String.raw`node (?:start\.ts|src\/web\.ts|dist\/main\.js|--watch .*))$`,
)
/** What they print with their port. */
const listening = /(?:listens on 127\.0\.0\.1:|listening on |Local: +http:\/\/127\.0\.0\.1:)(\d+)/

/** What a command that failed has printed. */
const printedBy = z.object({ stdout: z.string(), stderr: z.string() })

/** Whether a page shows this output. An ellipsis on the page stands for any text. */
export function isShown(output: string, said: string): boolean {
  const pattern = output
    .trim()
    .split('…')
    .map((text) => RegExp.escape(text))
    .join('[^]*')
  return new RegExp(`^${pattern}$`).test(said.trim())
}

/** Milliseconds in which a service that is restarted replies again. */
const patience = 60_000

/** Reads a part of the page, and does what it says. */
export class Reader implements AsyncDisposable {
  /** What the last command wrote. */
  said = ''
  /** What the program that keeps running wrote. */
  log = ''
  readonly #packages: Packed | Installed
  readonly #env: NodeJS.ProcessEnv
  readonly #hasTerminal: boolean
  #running: AsyncDisposableStack | undefined
  #folder: string
  #port = ''
  #hasEnded = true

  /** @param hasTerminal - Commands write to a terminal, both their output and their errors. @default false */
  constructor(folder: string, packages: Packed | Installed, env: NodeJS.ProcessEnv, hasTerminal = false) {
    this.#folder = folder
    this.#hasTerminal = hasTerminal
    this.#packages = packages
    this.#env = { ...process.env, ...env }
  }

  /** The port of the program that keeps running, in place of the one on the page. */
  get port(): string {
    return this.#port
  }

  async follow(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      if ('file' in step) this.#write(step.file, step.text)
      else await this.#do(step.command, step.output)
    }
  }

  /** Settles when the program that keeps running has written `text`. */
  async logs(text: string): Promise<void> {
    while (!this.log.includes(text)) {
      if (this.#hasEnded) throw new Error(`it ended without "${text}":\n${this.log}`)
      await sleep(50)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.disposeAsync()
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
    else if (command.startsWith('npm ') && 'modules' in this.#packages) this.#link(this.#packages.modules)
    else if (servers.test(command)) await this.#start(command, output)
    else if (command.startsWith('curl ')) await this.#get(command.slice('curl '.length), output)
    else await this.#run(this.#local(command), output !== '')
    if (output !== '' && !servers.test(command) && !isShown(output, this.said))
      throw new Error(`${command}: the page shows ${output}, and this is ${this.said}`)
  }

  #link(modules: string): void {
    writeFileSync(join(this.#folder, 'package.json'), '{ "type": "module" }')
    const link = join(this.#folder, 'node_modules')
    if (!existsSync(link)) symlinkSync(modules, link)
  }

  /** The command with these packages in place of the published ones. */
  #local(command: string): string {
    if ('program' in this.#packages)
      return command.replace('npx troupe ', `"${process.execPath}" "${this.#packages.program}" `)
    const { folder, creator, packages } = this.#packages
    return command
      .replace('npm create troupe@latest', `npm exec --yes --prefer-offline --package=${creator} -- create-troupe`)
      .replace(/(create-troupe \S+)$/, `$1 --from ${folder}`)
      .replace(/^npm install troupe\b/, `npm install ${packages.join(' ')}`)
      .replace(/^npm install/, `npm install ${quiet}`)
  }

  /** Not synchronously: the proxy and the site are in this process. */
  async #run(command: string, mayFail: boolean): Promise<void> {
    const { stdout, stderr, failed } = await promisify(exec)(this.#hasTerminal ? inTerminal(command) : command, {
      cwd: this.#folder,
      env: this.#env,
    }).then(
      (printed) => ({ ...printed, failed: false }),
      (error: unknown) => ({ ...printedBy.parse(error), failed: true }),
    )
    // What npm draws on a terminal while it waits.
    this.said = stripVTControlCharacters(failed ? `${stdout}${stderr}` : stdout).replaceAll(
      /[\u2800-\u28FF]|\r(?=\n)/g,
      '',
    )
    if (failed && !mayFail) throw new Error(`${command} failed:\n${this.said}`)
  }

  /** Ends the program that ran before, and waits for all lines of `output`. */
  async #start(command: string, output: string): Promise<void> {
    await this.#running?.disposeAsync()
    this.#running = new AsyncDisposableStack()
    // A group of its own: the shell and npx are between.
    const child = spawn(this.#local(command), { cwd: this.#folder, env: this.#env, shell: true, detached: true })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    this.#running.defer(async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
      await ended
    })
    this.#hasEnded = false
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const lines = output.split('\n').filter((line) => line !== '…')
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
        this.log = said
        const [, port] = listening.exec(said) ?? []
        const isStarted = /npx troupe run(?: --watch)?$/.test(command)
          ? said.includes('troupe: running')
          : port !== undefined
        if (isStarted && lines.every((line) => said.includes(line))) resolve(port ?? '')
      })
    void ended.then(() => (this.#hasEnded = true))
    void ended.then(() => reject(new Error(`${command} ended:\n${said}`)))
    this.#port = await promise
  }

  /** Where the page shows another response than an error, a service is being restarted. */
  async #get(url: string, output: string): Promise<void> {
    for (const start = performance.now(); ; await sleep(50)) {
      const response = await fetch(url.replace(/:\d+/, `:${this.#port}`))
      this.said = await response.text()
      if (response.ok || (output !== '' && isShown(output, this.said))) return
      if (performance.now() - start > patience) throw new Error(`${url}: ${response.status} ${this.said}`)
    }
  }
}

/** The command under `script`, which is in every Linux: a terminal that is wide enough for all lines. */
function inTerminal(command: string): string {
  const quoted = `stty cols 400 -onlcr; ${command}`.replaceAll("'", "'\\''")
  return `script --quiet --return --command '${quoted}' /dev/null`
}
