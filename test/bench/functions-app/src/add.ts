/** The function that the benchmark calls, also in bare piscina: it does almost nothing. */
export default function add({ a, b }: { readonly a: number; readonly b: number }): number {
  return a + b
}
