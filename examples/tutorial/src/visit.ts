/** Prints the status and the size of a page. */
export async function main(url: string): Promise<void> {
  const response = await fetch(url)
  const page = await response.text()
  console.log(response.status, page.length, 'characters')
}
