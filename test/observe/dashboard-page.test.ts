/** The page of the dashboard in a browser, as operators and readers see and use it. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { processes } from 'troupe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startProxy } from '../fixtures/selection/proxy.ts'
import { browsers, installPeers } from '../peers/install.ts'
import { type Scene, startScene } from './dashboard-app.ts'
import { press } from './dashboard-press.ts'

const patience = 90_000
const names = ['Tree', 'Processes', 'Overlays', 'Dead letters', 'Services', 'Policies', 'Registry', 'Log', 'Metrics']
let browser: Browser

beforeAll(async () => {
  await installPeers(browsers)
  // Debian's browser has its own sandbox, which root may not use.
  browser = await chromium.launch({ executablePath: browsers.chromium.path, args: ['--no-sandbox'] })
})

afterAll(async () => {
  await browser.close()
})

type Options = NonNullable<Parameters<Browser['newContext']>[0]>

/** A page in a context of its own, which fails the test if it breaks a rule of its policy, or has an error. */
async function visit(
  scene: Pick<Scene, 'place'>,
  token: string,
  options: Options = {},
): Promise<Page & AsyncDisposable> {
  const context: BrowserContext = await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options })
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted ?Type/i.test(message.text())) faults.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(scene.place.url)) faults.push(request.url())
  })
  await page.goto(`${scene.place.url}#token=${token}`)
  await page.locator('nav').waitFor()
  return Object.assign(page, {
    async [Symbol.asyncDispose]() {
      await context.close()
      expect(faults).toEqual([])
    },
  })
}

const row = (page: Page, text: string) => page.locator('[role=row]', { hasText: text })

/** Opens a view by its button. */
async function open(page: Page, name: string): Promise<void> {
  await page.locator('nav button', { hasText: name }).click()
  await page.locator('nav button[aria-current=page]', { hasText: name }).waitFor()
}

/** The pid of the process of an entry, once it is not one of `others`. */
async function pidOf(scene: Scene, entry: string, others: readonly string[] = []): Promise<string> {
  const find = async () => {
    const { rows } = (await scene.app.observe()).processes
    return rows.find((each) => each.entry === entry && !others.includes(each.pid))?.pid
  }
  await expect.poll(find, { timeout: patience }).toBeDefined()
  return (await find()) ?? ''
}

describe('the page', () => {
  it('takes its token from the address, keeps it out of it, and asks for one without', async () => {
    await using scene = await startScene()
    await using page = await visit(scene, scene.place.operator)
    await page.locator('.role', { hasText: 'operator' }).waitFor()
    expect(page.url()).not.toContain(scene.place.operator)
    expect(await page.evaluate('document.cookie + JSON.stringify(localStorage)')).toBe('{}')
    await page.reload()
    await page.locator('.role', { hasText: 'operator' }).waitFor()
    await page.goto(`${scene.place.url}#token=wrong`)
    await page.locator('[role=alert]', { hasText: 'not valid' }).waitFor()
    await page.locator('input[type=password]').fill(scene.place.reader)
    await page.locator('button', { hasText: 'Open' }).click()
    await page.locator('.role', { hasText: 'reader' }).waitFor()
  })

  it('shows a crash, and restarts a service by a click', async () => {
    await using scene = await startScene()
    await using page = await visit(scene, scene.place.operator)
    const pid = await pidOf(scene, 'app:counts')
    await row(page, pid).waitFor()
    for (const each of (await scene.app.observe()).processes.rows)
      if (each.pid === pid) await scene.app.kernel.terminate(each.pid)
    await page.locator('.failures li', { hasText: 'app:counter' }).first().waitFor()
    const second = await pidOf(scene, 'app:counts', [pid])
    await row(page, second).waitFor()
    await press(page, 'restart app:counter')
    await page.locator('.notice', { hasText: 'restart: app:counter' }).waitFor()
    await row(page, await pidOf(scene, 'app:counts', [pid, second])).waitFor()
    expect(scene.log.join('\n')).toContain('dashboard, operator: restart app:counter')
  })

  it('lets a reader change nothing', async () => {
    await using scene = await startScene()
    await using page = await visit(scene, scene.place.reader)
    const pid = await pidOf(scene, 'app:counts')
    await row(page, pid).waitFor()
    const replied = page.waitForResponse((response) => response.url().endsWith('/actions'))
    await press(page, 'restart app:counter')
    expect((await replied).status()).toBe(403)
    await page.locator('.notice.bad', { hasText: 'an operator token is required' }).waitFor()
    expect(await pidOf(scene, 'app:counts')).toBe(pid)
    await expect.poll(() => scene.log.join('\n')).toContain('dashboard, reader: restart app:counter was refused')
  })

  it('closes one connection', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await using proxy = await startProxy('127.0.0.2')
    await using scene = await startScene({
      entries: [{ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: proxy.port }],
    })
    const held = processes.withOptions({ network: 'app:proxy' })
    await scene.app.run(async () => {
      for (const _ of [1, 2]) await held.spawn('app:holds', 'app:threads', port)
    })
    const open2 = async () => (await scene.app.observe()).connections.rows
    await expect.poll(async () => (await open2()).length, { timeout: patience }).toBe(2)
    await using page = await visit(scene, scene.place.operator)
    await open(page, 'Overlays')
    const [first, second] = await open2()
    await press(page, `close connection ${first?.thread}.${first?.number}`)
    await expect
      .poll(async () => (await open2()).map(({ thread }) => thread), { timeout: patience })
      .toEqual([second?.thread])
    await row(page, `127.0.0.1:${port}`).nth(1).waitFor({ state: 'detached' })
    await page.locator('td', { hasText: 'dns' }).first().waitFor()
    server.close()
  })

  it('shows 5,000 processes with few elements, sorted, filtered and by keyboard', async () => {
    await using scene = await startScene()
    await scene.app.run(async () => processes.spawn('app:parent', 'app:shared', 5000))
    const all = async () => (await scene.app.observe({ processes: 10_000 })).processes.rows
    await expect.poll(async () => (await all()).length, { timeout: patience }).toBe(5002)
    await using page = await visit(scene, scene.place.reader)
    await open(page, 'Processes')
    const table = page.getByRole('grid', { name: 'Processes' })
    await page.locator('[role=grid][aria-rowcount="5003"]').waitFor()
    const body = page.locator('.space [role=row]')
    const count = async () => body.count()
    expect(await count()).toBeLessThanOrEqual(60)
    await table.press('End')
    await page.locator('[role=row][aria-rowindex="5003"]').waitFor()
    expect(await count()).toBeLessThanOrEqual(60)
    // What is in sight is drawn where the table is.
    const place = await page.locator('.row.selected').boundingBox()
    expect(place?.y).toBeLessThan(720)
    await table.press('Home')
    await page.locator('[role=row][aria-rowindex="2"].selected').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('app:counts')
    await page.locator('[role=grid][aria-rowcount="2"]').waitFor()
    await page.locator('.filter').fill('')
    await page.locator('[role=columnheader] button', { hasText: 'entry' }).click()
    await body.first().filter({ hasText: 'app:child' }).waitFor()
    await page.locator('[role=columnheader] button', { hasText: 'entry' }).click()
    await body.first().filter({ hasText: 'app:parent' }).waitFor()
    expect(await count()).toBeLessThanOrEqual(60)
  })

  it('shows a kernel that does not reply, and resumes', async () => {
    await using scene = await startScene()
    await using page = await visit(scene, scene.place.reader)
    await row(page, await pidOf(scene, 'app:counts')).waitFor()
    await page.evaluate(`
      window.seen = []
      new MutationObserver(() => {
        const text = document.querySelector('.stalled')?.textContent
        if (text !== undefined) window.seen.push(text)
      }).observe(document.body, { subtree: true, childList: true, characterData: true })
    `)
    const memory = new Int32Array(new SharedArrayBuffer(4))
    const seen = async () => {
      // This thread is the kernel's.
      Atomics.wait(memory, 0, 0, 4000)
      return String(await page.evaluate('JSON.stringify(window.seen)'))
    }
    await expect.poll(seen, { timeout: patience }).toMatch(/no data for \d+ s: the application does not reply/)
    await page.locator('.stalled').waitFor({ state: 'detached' })
    await scene.app.run(async () => processes.spawn('app:fails', 'app:threads'))
    await row(page, 'app:fails').waitFor()
  })

  it('connects again when its connection was lost', async () => {
    const sockets = new Set<Socket>()
    let target = 0
    const relay = createServer((client) => {
      const server = connect(target, '127.0.0.1')
      for (const socket of [client, server]) {
        sockets.add(socket)
        socket
          .on('error', () => undefined)
          .on('close', () => {
            client.destroy()
            server.destroy()
          })
      }
      client.pipe(server).pipe(client)
    }).listen(0, '127.0.0.1')
    await once(relay, 'listening')
    const address = relay.address()
    const host = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    await using scene = await startScene({ dashboard: { hosts: [host] } })
    target = scene.port
    await using page = await visit({ place: { ...scene.place, url: `http://${host}/` } }, scene.place.reader)
    await row(page, await pidOf(scene, 'app:counts')).waitFor()
    target = 0
    for (const socket of sockets) socket.destroy()
    await page.locator('.stalled', { hasText: 'the connection is lost' }).waitFor()
    const pid = await scene.app.run(async () => processes.spawn('app:fails', 'app:threads'))
    target = scene.port
    await page.locator('.stalled').waitFor({ state: 'detached' })
    await row(page, pid).waitFor()
    expect(await page.locator('.dot.good').count()).toBe(1)
    for (const socket of sockets) socket.destroy()
    relay.close()
  })

  it('shows names as text, also those that look like markup', async () => {
    const name = '<img src=x onerror="document.title=1"><script>1</script>'
    await using scene = await startScene()
    await scene.app.run(async () => {
      const pid = await processes.spawn('app:counts', 'app:threads')
      await processes.names.register(name, pid)
    })
    await using page = await visit(scene, scene.place.reader)
    await row(page, name).waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe('Troupe')
  })

  it.each(['light', 'dark'] as const)('is drawn in %s, and has no serious finding of axe', async (colorScheme) => {
    await using scene = await startScene({
      entries: [{ id: 'app:proxy', kind: 'network.socks5', host: '127.0.0.1', port: 9 }],
    })
    // The checker is put into the page from outside, which the policy of the page forbids.
    await using page = await visit(scene, scene.place.operator, { colorScheme, bypassCSP: true })
    await row(page, await pidOf(scene, 'app:counts')).waitFor()
    await page.addScriptTag({ content: axe.source })
    for (const name of names) {
      await open(page, name)
      await page.locator('main h2').waitFor()
      const image = await page.locator('main').screenshot()
      const { share, mean } = await inkOf(page, image)
      expect({ name, isDrawn: share > 0.01, isDark: mean < 128 }).toEqual({
        name,
        isDrawn: true,
        isDark: colorScheme === 'dark',
      })
      expect({ name, found: await findings(page) }).toEqual({ name, found: [] })
    }
    // The switch overrides the system's choice.
    const other = colorScheme === 'light' ? 'dark' : 'light'
    await page.locator('header select').selectOption(other)
    const switched = await inkOf(page, await page.locator('main').screenshot())
    expect(switched.mean < 128).toBe(other === 'dark')
    expect(await findings(page)).toEqual([])
  })

  it('fits narrow screens', async () => {
    await using scene = await startScene()
    await using page = await visit(scene, scene.place.reader, { viewport: { width: 360, height: 640 } })
    for (const name of names) {
      await open(page, name)
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      expect({ name, isWide: Number(wide) > 360 }).toEqual({ name, isWide: false })
    }
  })
})

/** The part of the pixels that differ from the most frequent colour, and the mean brightness, 0 to 255. */
async function inkOf(page: Page, png: Buffer): Promise<{ readonly share: number; readonly mean: number }> {
  const blank = await page.context().newPage()
  const found: unknown = await blank.evaluate(`(async () => {
    const image = await createImageBitmap(await (await fetch('data:image/png;base64,${png.toString('base64')}')).blob())
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d')
    context.drawImage(image, 0, 0)
    const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer)
    const counts = new Map()
    let sum = 0
    for (const pixel of pixels) {
      counts.set(pixel, (counts.get(pixel) ?? 0) + 1)
      sum += ((pixel & 255) + ((pixel >> 8) & 255) + ((pixel >> 16) & 255)) / 3
    }
    return { share: 1 - Math.max(...counts.values()) / pixels.length, mean: sum / pixels.length }
  })()`)
  await blank.close()
  return z.object({ share: z.number(), mean: z.number() }).parse(found)
}

/** Serious findings of axe, with the elements. */
async function findings(page: Page): Promise<readonly string[]> {
  const text: unknown = await page.evaluate('axe.run().then((result) => JSON.stringify(result.violations))')
  return violations
    .parse(JSON.parse(String(text)))
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`))
}

const violations = z.array(
  z.object({
    id: z.string(),
    impact: z.string().nullish(),
    nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().nullish() })),
  }),
)
