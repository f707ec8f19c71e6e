/** What the function benchmark calls, and bare piscina runs: next to nothing. */
export default function add({ a, b }: { readonly a: number; readonly b: number }): number {
  return a + b
}
