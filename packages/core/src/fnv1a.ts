/** A fast hash of text, for distributing keys; it is not a cryptographic one. */

/** Returns the 32-bit hash FNV-1a of a text. Texts that differ only at their end have similar hashes: mix them. */
export function fnv1a(text: string): number {
  let hash = 0x81_1c_9d_c5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93)
  return hash
}
