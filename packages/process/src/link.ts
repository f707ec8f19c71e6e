/** For the thread that connects this node with others: what one end of a channel between threads reads and posts. */
export { PortReader } from './channel/port-reader.ts'
export { addBytes } from './protocol/foreign-handles.ts'
export { wireError } from './protocol/signal-rules.ts'
export { decodeWithin, encode } from './pipe/codec.ts'
export { Credit, creditWord, type Declared, extraUnits, peerWindow, Receipt } from './shared-memory/credit.ts'
