/** Goes out, and answers with where it was seen to come from. */
export async function visit(url: string): Promise<string> {
  return (await fetch(url)).text()
}
