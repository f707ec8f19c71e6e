/** A dead letter that an operator sends once more on the page of the dashboard. */
import { entryId } from '@troupe/core'
import { type Browser, chromium } from 'playwright-core'
import { processes } from 'troupe'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { browsers, installPeers } from '../peers/install.ts'
import { startScene } from './dashboard-app.ts'
import { press } from './dashboard-press.ts'

const patience = 90_000
let browser: Browser

beforeAll(async () => {
  await installPeers(browsers)
  // Debian's browser has its own sandbox, which root may not use.
  browser = await chromium.launch({ executablePath: browsers.chromium.path, args: ['--no-sandbox'] })
})

afterAll(async () => {
  await browser.close()
})

describe('the page', () => {
  it('sends a dead letter once more by a click', async () => {
    await using scene = await startScene({ sections: { dead_letters: { payload: 4096 } } })
    await scene.app.run(async () => {
      const pid = await processes.names.lookup('app:counter')
      if (pid === undefined) throw new Error('the counter does not run')
      // From here on messages go to its thread at once, those of one turn together.
      await processes.call(pid, 'ask')
      // The second one arrives behind the end, and stays in the mailbox.
      await Promise.all(['end', 'order'].map(async (topic) => processes.send(pid, topic)))
    })
    const letters = async () => (await scene.app.observe()).deadLetters.last
    await expect.poll(letters, { timeout: patience }).toMatchObject([{ topic: 'order' }])
    const [letter] = await letters()
    const counter = entryId('app:counter')
    await expect.poll(() => scene.app.service(counter).state, { timeout: patience }).toBe('Exited')
    await scene.app.start(counter)
    const page = await browser.newPage()
    page.setDefaultTimeout(patience)
    page.setDefaultNavigationTimeout(patience)
    await page.goto(`${scene.place.url}#token=${scene.place.operator}`)
    await page.locator('nav button', { hasText: 'Dead letters' }).click()
    await press(page, `replay dead letter ${letter?.id}`)
    await page.locator('.notice', { hasText: `dead-replay: ${letter?.id}` }).waitFor()
    expect(scene.log.join('\n')).toContain(`dashboard, operator: dead-replay ${letter?.id}`)
    // It has handled the letter, and the question.
    expect(await scene.app.run(async () => processes.call('app:counter', 'ask'))).toBe(2)
  })
})
