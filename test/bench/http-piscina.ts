/** What a thread of piscina answers with. */
export default function hello(): string {
  return 'hello world'
}
