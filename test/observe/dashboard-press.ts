/** Buttons of the dashboard that ask before they act. */
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const patience = 90_000

/** Clicks a button, and clicks again to confirm. */
export async function press(page: Page, label: string): Promise<void> {
  const button = page.getByRole('button', { name: label, exact: true }).first()
  const pressed = async () => {
    await button.click({ trial: true })
    return page.evaluate(clickTwice(label))
  }
  await expect.poll(pressed, { timeout: patience }).toBe(true)
}

/** Runs in the page: its button asks for a few seconds, in which a slow machine may not do two clicks from outside. */
const clickTwice = (label: string) => `(async () => {
  const label = ${JSON.stringify(label)}
  const button = [...document.querySelectorAll('button')].find(({ ariaLabel }) => ariaLabel === label)
  button?.click()
  while (button?.isConnected && button.ariaLabel === label) await new Promise((resolve) => setTimeout(resolve))
  const isAsked = button?.isConnected === true && button.ariaLabel === 'Confirm: ' + label
  if (isAsked) button.click()
  return isAsked
})()`
