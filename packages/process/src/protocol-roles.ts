/** What the kernel started something in a thread as. It decides what that may ask, whatever its entry is. */
import type { RequestName } from './protocol.ts'

/**
 * `program`: the one around the application. `process`: code of the application. `call`: a function. `server`: Troupe's HTTP server, and who acts in
 * it. `lane`: a thread that serves an endpoint for a server. `connection`: a WebSocket or a stream of events.
 */
export type Role = 'program' | 'process' | 'call' | 'server' | 'lane' | 'connection'

const anyone: readonly Role[] = ['program', 'process', 'call', 'server', 'lane', 'connection']
const servers: readonly Role[] = ['server']

/** Who may ask what. A request that is not here is answered to nobody. */
export const askers: Readonly<Record<RequestName, readonly Role[]>> = {
  spawn: anyone,
  call: anyone,
  program: anyone,
  upgrade: ['process'],
  cancelCall: anyone,
  terminate: anyone,
  cancel: anyone,
  register: anyone,
  unregister: anyone,
  lookup: anyone,
  permit: anyone,
  can: anyone,
  evaluate: anyone,
  policy: anyone,
  namedScope: anyone,
  select: anyone,
  route: anyone,
  dial: anyone,
  cancelDial: anyone,
  resolve: anyone,
  leaseAddresses: anyone,
  isAddressLeased: anyone,
  bind: anyone,
  unbind: anyone,
  entry: anyone,
  entries: anyone,
  startChild: anyone,
  terminateChild: anyone,
  restartChild: anyone,
  deleteChild: anyone,
  whichChildren: anyone,
  countChildren: anyone,
  partition: anyone,
  joinGroup: anyone,
  leaveGroup: anyone,
  broadcastTo: anyone,
  groupMembers: anyone,
  openConnection: ['server', 'program'],
  converse: ['connection'],
  createToken: anyone,
  validateToken: anyone,
  revokeToken: anyone,
  openSession: anyone,
  openLane: servers,
  closeLane: servers,
  lendSession: servers,
  identify: servers,
  serving: servers,
  apply: anyone,
  version: anyone,
  history: anyone,
  rollback: anyone,
  log: anyone,
  input: anyone,
  getEnv: anyone,
  setEnv: anyone,
}
