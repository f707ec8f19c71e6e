/** `troupe`, in the folder of an application with a section `cluster`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

const troupe = join(import.meta.dirname, '../../packages/cli/src/troupe.ts')

export interface Printed {
  readonly status: number
  readonly out: string
  readonly err: string
}

export class CommandLine implements AsyncDisposable {
  readonly folder: string

  readonly #isOwn: boolean

  private constructor(folder: string, isOwn: boolean) {
    this.folder = folder
    this.#isOwn = isOwn
  }

  static async in(cluster: Readonly<Record<string, unknown>>): Promise<CommandLine> {
    const line = new CommandLine(await mkdtemp(join(tmpdir(), 'troupe-cluster-')), true)
    await mkdir(join(line.folder, 'src'))
    await line.configure(cluster)
    return line
  }

  /** In the folder of a node, which stays when this is disposed. */
  static async of(folder: string, cluster: Readonly<Record<string, unknown>>): Promise<CommandLine> {
    const line = new CommandLine(folder, false)
    await mkdir(join(folder, 'src'), { recursive: true })
    await line.configure(cluster)
    return line
  }

  /** Writes entries of the namespace `app`. */
  async declare(entries: readonly unknown[]): Promise<void> {
    const text = `version: "1.0"\nnamespace: app\nentries: ${JSON.stringify(entries)}\n`
    await writeFile(join(this.folder, 'src/_index.yaml'), text)
  }

  /** Replaces the section. YAML contains JSON. */
  async configure(cluster: Readonly<Record<string, unknown>>): Promise<void> {
    await writeFile(join(this.folder, '.troupe.yaml'), `version: "1.0"\ncluster: ${JSON.stringify(cluster)}\n`)
  }

  /** Runs `troupe cluster` as a program of its own, whose output is no terminal. */
  async run(...args: readonly string[]): Promise<Printed> {
    const child = spawn(process.execPath, [troupe, 'cluster', ...args, '--root', this.folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { status: child.exitCode ?? -1, out, err }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOwn) await rm(this.folder, { recursive: true, force: true })
  }
}
