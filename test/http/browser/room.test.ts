/** `examples/room`, in a browser. */
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { processes } from 'troupe'
import { startApp } from 'troupe/test'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browsers, installPeers } from '../../peers/install.ts'

const root = join(import.meta.dirname, '../../../examples/room')
let browser: Browser

beforeAll(async () => {
  await installPeers(browsers)
  // Debian's browser has its own sandbox, which root may not use.
  browser = await chromium.launch({ executablePath: browsers.chromium.path, args: ['--no-sandbox'] })
})

afterAll(async () => {
  await browser.close()
})

async function open() {
  const app = await startApp({ root, overrides: ['app:web:addr=127.0.0.1:0'] })
  await app.until('app:web', 'Running')
  return Object.assign(app, { port: app.app.address(entryId('app:web')).port })
}

async function visit(url: string): Promise<Page> {
  const page = await browser.newPage()
  await page.goto(url)
  await page.locator('#state', { hasText: 'in the room' }).waitFor()
  return page
}

async function say(page: Page, line: string): Promise<void> {
  await page.locator('input').fill(line)
  await page.locator('button').click()
}

const lines = async (page: Page) => page.locator('li').allTextContents()

describe('a page with a WebSocket', () => {
  it('shows messages to all, and earlier messages to new clients', async () => {
    await using app = await open()
    const url = `http://127.0.0.1:${app.port}/`
    const [ann, bob] = [await visit(url), await visit(url)]
    await say(ann, 'good evening')
    await bob.locator('li', { hasText: 'good evening' }).waitFor()
    await say(bob, '<b>hello</b>')
    await ann.locator('li', { hasText: '<b>hello</b>' }).waitFor()
    const late = await visit(url)
    await late.locator('li').nth(1).waitFor()
    expect(await lines(late)).toEqual(['good evening', '<b>hello</b>'])
  })

  it('reconnects when the process behind it has failed and was restarted', async () => {
    await using app = await open()
    const page = await visit(`http://127.0.0.1:${app.port}/`)
    await processes.terminate('app:room')
    await page.locator('#state', { hasText: 'out (1011)' }).waitFor()
    await app.until('app:room', 'Failed')
    await app.clock.advance('1s')
    await app.until('app:room', 'Running')
    await page.locator('#state', { hasText: 'in the room' }).waitFor()
    await say(page, 'still there?')
    await page.locator('li', { hasText: 'still there?' }).waitFor()
    expect(await lines(page)).toEqual(['still there?'])
  })

  it('is notified when the service stops', async () => {
    await using app = await open()
    const page = await visit(`http://127.0.0.1:${app.port}/`)
    await app.app.stopService(entryId('app:web'))
    await page.locator('#state', { hasText: 'out' }).waitFor()
    expect(await page.locator('#state').textContent()).toMatch(/^out \(100[16]\)$/)
  })

  it('cannot be used by pages of other origins', async () => {
    await using app = await open()
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${app.port}/`)
    const connect = async (host: string) =>
      page.evaluate(
        async (url) =>
          new Promise<number>((resolve) => {
            const socket = new WebSocket(url)
            socket.addEventListener('open', () => {
              resolve(101)
            })
            socket.addEventListener('close', ({ code }) => {
              resolve(code)
            })
          }),
        `ws://${host}:${app.port}/live/talk`,
      )
    expect([await connect('127.0.0.1'), await connect('localhost')]).toEqual([101, 1006])
  })
})
