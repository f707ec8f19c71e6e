/** Runs in threads of the network that the program names: it knows nothing of proxies. */

/** Returns the text at a URL. */
export async function load(url: string): Promise<string> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return response.text()
}
