/** The function that a piscina thread runs for a response. */
export default function hello(): string {
  return 'hello world'
}
