/** Requests to the server: the token is in a header of each. */

/** The server refused the token. */
export class Denied extends Error {}

/** Sends an action. @throws Error with the reason why it was not carried out. */
export async function act(token: string, action: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return documentOf(await fetch('actions', { method: 'POST', headers, body: JSON.stringify(action) }))
}

/** Returns a document. @throws Error with the reason why there is none. */
export async function read(token: string, path: string): Promise<unknown> {
  return documentOf(await fetch(path, { headers: { authorization: `Bearer ${token}` } }))
}

/**
 * Calls `onLine` with each line of the stream of events, until it ends.
 *
 * @throws Denied when the token is not valid. Also throws what `fetch` throws.
 */
export async function stream(token: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
  const response = await fetch('events', { headers: { authorization: `Bearer ${token}` }, signal })
  if (response.status === 401) throw new Denied('the token is not valid for this application')
  if (!response.ok || response.body === null) throw new Error(await reasonOf(response))
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const lines = (rest + part.value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) onLine(line)
  }
}

async function documentOf(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(await reasonOf(response))
  const value: unknown = await response.json()
  return value
}

async function reasonOf(response: Response): Promise<string> {
  try {
    const value: unknown = await response.json()
    if (typeof value === 'object' && value !== null && 'error' in value) return String(value.error)
  } catch {
    // Not the server's own reply.
  }
  return `the server replied ${response.status}`
}
