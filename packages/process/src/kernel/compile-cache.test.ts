/** The compile cache of threads, which all programs of a user share. */
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const run = promisify(execFile)
const imported = fileURLToPath(new URL('./thread-environment.ts', import.meta.url))
const program = `import(${JSON.stringify(imported)}).then((all) => process.stdout.write(Object.keys(all).join()))`

it('is filled by several programs at once, and a file that was cut short is not used', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'troupe-cache-'))
  onTestFinished(async () => rm(cache, { recursive: true }))
  const together = async () =>
    Promise.all(
      Array.from({ length: 4 }, async () => {
        const { stdout } = await run(process.execPath, ['-e', program], {
          env: { ...process.env, NODE_COMPILE_CACHE: cache },
        })
        return stdout
      }),
    )
  const [first, ...others] = await together()
  expect(first).not.toBe('')
  expect(others).toEqual([first, first, first])
  const files = await readdir(cache, { recursive: true })
  let cut = 0
  for (const file of files.map((name) => join(cache, name))) {
    if (!(await stat(file)).isFile()) continue
    const bytes = await readFile(file)
    await writeFile(file, bytes.subarray(0, bytes.length / 2))
    cut += 1
  }
  expect(cut).toBeGreaterThan(0)
  expect(await together()).toEqual([first, first, first, first])
})
