import { handleMessages } from 'troupe'
import { z } from 'zod'

/** The process accepts this, and nothing else. */
export const messages = {
  visit: { payload: z.url(), reply: z.object({ status: z.int(), links: z.array(z.string()) }) },
}

/** Fetches pages. It knows nothing of Tor: its thread reaches nothing else. */
export async function main(): Promise<void> {
  await handleMessages(messages, {
    visit: async (url) => {
      const response = await fetch(url)
      const page = await response.text()
      const links = Array.from(page.matchAll(/href="([^"#]+)"/g), ([, link = '']) => URL.parse(link, url)?.href ?? '')
      return { status: response.status, links: links.filter((link) => link.startsWith('http')) }
    },
  })
}
