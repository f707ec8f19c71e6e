/** Fetches once, in a thread or process of its own, and ends: 0 if something answered. */
import { plainPort } from '../far-ports.ts'

fetch(`http://web.test:${plainPort}/`).then(
  () => process.exit(0),
  () => process.exit(1),
)
