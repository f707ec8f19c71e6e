/** Follows the commands and files of a page, with the packed packages in place of the published ones. */
import { exec, spawn } from 'node:child_process'
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
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

/** Returns the packed packages in `folder`. */
export function packedIn(folder: string): Packed {
  const files = globSync('*.tgz', { cwd: folder })
  if (files.length === 0) throw new Error('nothing is packed: run npm run pack:all')
  const paths = (isOne: (file: string) => boolean) => files.filter(isOne).map((file) => join(folder, file))
  const isSidecar = (file: string) => file.startsWith('troupe-tsnet-')
  const isCreator = (file: string) => file.startsWith('create-')
  return {
    folder,
    creator: paths(isCreator)[0] ?? '',
    packages: paths((file) => !isSidecar(file) && !isCreator(file)),
    sidecars: paths(isSidecar),
  }
}

/** The commands of programs that keep running, after their variables. */
const servers = /(?:^| )(?:npx (?:troupe run|next (?:start|dev).*)|node (?:start\.ts|dist\/main\.js))$/
/** What they print with their port. */
const listening = /(?:listens on 127\.0\.0\.1:|listening on |Local: +http:\/\/127\.0\.0\.1:)(\d+)/

/** Reads a part of the page, and does what it says. */
export class Reader implements AsyncDisposable {
  /** What the last command wrote. */
  said = ''
  /** What the program that keeps running wrote. */
  log = ''
  readonly #packed: Packed
  readonly #env: NodeJS.ProcessEnv
  readonly #running = new AsyncDisposableStack()
  #folder: string
  #port = ''

  constructor(folder: string, packed: Packed, env: NodeJS.ProcessEnv) {
    this.#folder = folder
    this.#packed = packed
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
    else if (servers.test(command)) await this.#start(command)
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
        this.log = said
        const [, port] = listening.exec(said) ?? []
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
