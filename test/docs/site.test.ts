/** The site of the documentation, built and opened in a browser: pages in both themes, diagrams, the search, links. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempDisposableSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { browsers, installPeers } from '../peers/install.ts'

const root = join(import.meta.dirname, '../..')
const types: Readonly<Record<string, string>> = {
  ...{ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' },
  ...{ '.png': 'image/png', '.woff2': 'font/woff2' },
}
const patience = 90_000
const folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-site-'))
let browser: Browser
let server: Server
let url: string

beforeAll(async () => {
  await installPeers(browsers)
  await promisify(execFile)(process.execPath, [join(root, 'scripts/api/pages.ts')])
  const vitepress = join(root, 'node_modules/vitepress/bin/vitepress.js')
  await promisify(execFile)(process.execPath, [vitepress, 'build', 'docs', '--outDir', folder.path], { cwd: root })
  const files = new Set(globSync('**/*', { cwd: folder.path }))
  server = createServer(({ url: path = '/' }, response) => {
    const asked = decodeURIComponent(new URL(path, 'http://site').pathname).slice(1)
    const file = asked === '' || asked.endsWith('/') ? `${asked}index.html` : asked
    if (!files.has(file)) response.writeHead(404).end()
    else
      response
        .writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
        .end(readFileSync(join(folder.path, file)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}/`
  browser = await chromium.launch({ executablePath: browsers.chromium.path, args: ['--no-sandbox'] })
}, 600_000)

afterAll(async () => {
  await browser.close()
  server.close()
  folder.remove()
})

/** A page of the site. It fails the test if it has an error, or asks another server or for a file that is missing. */
async function visit(
  path: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) faults.push(request.url())
  })
  page.on('response', (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`)
  })
  await page.goto(new URL(path, url).href)
  await page.locator('.vp-doc h1').waitFor()
  return Object.assign(page, {
    async [Symbol.asyncDispose]() {
      await context.close()
      expect(faults).toEqual([])
    },
  })
}

const violations = z.array(z.object({ id: z.string(), impact: z.string().nullable() }))
const processesPage = 'docs/api/troupe/variables/processes.html'
const pages = [
  ...['', 'ARCHITECTURE.html', 'docs/overlays.html', 'docs/reference/entries.html', 'docs/security.html'],
  ...['docs/api.html', 'docs/api/troupe/', processesPage],
]

it.each(['light', 'dark'] as const)('has no serious finding of axe in %s', async (colorScheme) => {
  for (const path of pages) {
    await using page = await visit(path, { colorScheme })
    await page.addScriptTag({ content: axe.source })
    // The button of the search also shows its key, which is not in its name: that is VitePress's.
    const options = JSON.stringify({ rules: { 'label-content-name-mismatch': { enabled: false } } })
    const run = `axe.run(${options}).then((result) => JSON.stringify(result.violations))`
    const found: unknown = await page.evaluate(run)
    const serious = violations
      .parse(JSON.parse(String(found)))
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    expect([path, serious.map(({ id }) => id)]).toEqual([path, []])
  }
})

/** The labels of diagrams that are higher than their room. */
const cutLabels = `Array.from(document.querySelectorAll('.mermaid foreignObject'))
  .filter((room) => (room.firstElementChild?.scrollHeight ?? 0) > room.clientHeight + 2)
  .map(({ textContent }) => textContent)`

it('draws every diagram, and cuts no label', async () => {
  const withDiagrams = globSync('{*.md,docs/**/*.md}', { cwd: root })
    .map((file) => [file, readFileSync(join(root, file), 'utf8').split('\n```mermaid\n').length - 1] as const)
    .filter(([, count]) => count > 0)
  expect(withDiagrams.length).toBeGreaterThan(1)
  for (const [file, count] of withDiagrams) {
    await using page = await visit(file.replace(/\.md$/, '.html'))
    const diagrams = page.locator('.mermaid svg')
    const drawn = async () => [file, await diagrams.count(), await diagrams.getByText('Syntax error').allInnerTexts()]
    await expect.poll(drawn).toEqual([file, count, []])
    expect([file, await page.evaluate(cutLabels)]).toEqual([file, []])
  }
})

it('fits a narrow screen, and finds a page by a word of it', async () => {
  await using page = await visit('docs/reference/entries.html', { viewport: { width: 390, height: 800 } })
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  await page.locator('#local-search button').first().click()
  await page.locator('#localsearch-input').fill('start_timeout')
  await page.locator('#localsearch-list a').first().click()
  await page.locator('.vp-doc h1').waitFor()
})

it('has a page for each public name, in the sidebar', async () => {
  await using page = await visit(processesPage)
  const links = page.locator('.VPSidebar a[href^="/docs/api/"]')
  await links.first().waitFor({ state: 'attached' })
  const found = await Promise.all((await links.all()).map(async (link) => link.getAttribute('href')))
  const linked = new Set(found)
  const written = globSync('docs/api/troupe/**/*.html', { cwd: folder.path }).map((file) => `/${file}`)
  expect(written.length).toBeGreaterThan(100)
  expect(written.filter((file) => !linked.has(file.replace(/index\.html$/, '')))).toEqual([])
  await page.locator('#sendlater').waitFor()
  await page.setViewportSize({ width: 390, height: 800 })
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
})
