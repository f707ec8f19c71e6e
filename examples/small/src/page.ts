/** A worker. It has no code for networks: its thread reaches nothing but the network that it was started in. */
export async function main(url: string): Promise<string> {
  const response = await fetch(url)
  return `${response.status} ${url}`
}
