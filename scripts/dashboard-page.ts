/** Builds the page of the dashboard: one module with the libraries that it uses, and its other files. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

const files: readonly string[] = ['index.html', 'style.css', 'icon.svg']

/** Writes the page to `target`. Returns the modules that it contains. @param root - The repository. */
export async function buildDashboardPage(root: string, target: string): Promise<readonly string[]> {
  const troupe = join(root, 'packages/troupe')
  const folder = join(troupe, 'dashboard')
  if (!existsSync(folder)) return []
  mkdirSync(target, { recursive: true })
  for (const name of files) cpSync(join(folder, name), join(target, name))
  const charts = dirname(createRequire(join(troupe, 'package.json')).resolve('uplot'))
  writeFileSync(join(target, 'chart.css'), readFileSync(join(charts, 'uPlot.min.css')))
  const build = await rolldown({ input: join(folder, 'main.ts'), platform: 'browser' })
  const { output } = await build.write({
    dir: target,
    format: 'esm',
    minify: true,
    comments: false,
    entryFileNames: '[name].js',
  })
  await build.close()
  if (output.length !== 1) throw new Error(`the page is in ${output.length} files; the server has one`)
  return output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []))
}
