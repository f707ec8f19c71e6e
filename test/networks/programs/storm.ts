/** Sends a request, and returns the address that the server saw. */
export async function visit(url: string): Promise<string> {
  return (await fetch(url)).text()
}
