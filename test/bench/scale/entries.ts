/** Points of the curve of entries: the boot of an application with many of them. */
import { mkdirSync, mkdtempDisposableSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boot } from 'troupe/app'

/** Half are overlays that are not used, and half are programs; in files of a hundred. */
function writeApp(folder: string, count: number): void {
  mkdirSync(join(folder, 'src'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'src/program.ts'), 'export function main(): void {}\n')
  const entry = (index: number) =>
    index % 2 === 0
      ? `  - { name: e${index}, kind: network.socks5, host: 127.0.0.1, port: ${1 + (index % 60_000)} }\n`
      : `  - { name: e${index}, kind: process.ts, source: "file://program.ts", meta: { note: about e${index} } }\n`
  for (let from = 0; from < count; from += 100) {
    const lines = Array.from({ length: Math.min(100, count - from) }, (_, index) => entry(from + index))
    writeFileSync(join(folder, `src/${from}.yaml`), `version: "1.0"\nnamespace: app\nentries:\n${lines.join('')}`)
  }
}

export async function entries(count: number): Promise<Readonly<Record<string, number>>> {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-scale-'))
  writeApp(folder.path, count)
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const start = performance.now()
  const app = await boot({ root: folder.path, onLog: () => undefined })
  const took = performance.now() - start
  globalThis.gc?.()
  const kilobytes = (process.memoryUsage().heapUsed - before) / count / 1000
  await app.stop()
  return { boot: took, kilobytes }
}
