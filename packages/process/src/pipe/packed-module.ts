/** Modules in one piece, as the kernel hands them to an operating-system process. */

export interface PackedModule {
  readonly url: string
  /** JavaScript. */
  readonly source: string
  /** The URLs of what it imports, by specifier, as far as they are known. */
  readonly imports: Readonly<Record<string, string>>
}

/** The end of the URL of a sample module, which no file contains. */
export const sampleMark = '?troupe:sample'
/** The package that applications import. */
const packageName = 'troupe'
const typescript = `import '${packageName}'
export interface A { readonly a: string }
export const f: (a: number) => number = (a) => a
export async function g<T>(x: T): Promise<T> { return x as T }
`

/**
 * Returns a module such as applications contain. A process loads it while it waits: the first module takes far longer
 * than later ones, because Node then loads its reader of TypeScript, and compiles what it uses.
 */
export function sampleOf(url: string): { readonly format: string; readonly source: string } {
  const isTypeScript = url.endsWith(`.ts${sampleMark}`)
  return isTypeScript
    ? { format: 'module-typescript', source: typescript }
    : { format: 'module', source: `import '${packageName}'` }
}

/** Size of the number before the modules: their length in bytes. */
export const packHeaderSize = 4

export function encodePack(modules: readonly PackedModule[]): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(modules))
  const header = Buffer.alloc(packHeaderSize)
  header.writeUInt32LE(bytes.length)
  return Buffer.concat([header, bytes])
}

/** @param text - What follows the header. It comes from the kernel, which is trusted. */
export function decodePack(text: string): readonly PackedModule[]
export function decodePack(text: string): unknown {
  const modules: unknown = JSON.parse(text)
  return modules
}
