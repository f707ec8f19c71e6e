/** What decoding a message may cost the thread of the kernel. */

/**
 * Of each object 16, of each other value 1: some 50,000 objects, or half a million numbers, which take about 40 ms. A
 * message that costs more ends its sender. Honest threads send large values as bytes, which the kernel does not decode.
 */
export const messageBudget = 1_000_000
