/** Batches of another node that cannot be read. */

/** So many of them make a node suspect. */
export const mostMalformed = 3

/**
 * Whether the `count`th is logged: another node must not fill the log of this one. After the first ones, a line stands
 * for twice as many as the line before.
 */
export function isLogged(count: number): boolean {
  return count <= mostMalformed || (count & (count - 1)) === 0
}
