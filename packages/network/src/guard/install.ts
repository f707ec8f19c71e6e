/**
 * The guard: in a thread of an overlay, everything that user code and its libraries open goes through that overlay, or
 * is refused by name. In a thread of the clear network nothing changes. `docs/coverage.md` lists what is covered, and
 * how.
 */
import { syncBuiltinESMExports } from 'node:module'
import { guardAgents } from './pools/http-agents.ts'
import { guardHandles } from './node/native-handles.ts'
import { guardFetch } from './pools/undici-dispatcher.ts'
import { internals } from '../sockets/internals.ts'
import { guardDatagrams } from './udp/socket.ts'
import { guardQueries } from './dns/queries.ts'
import { guardLookup } from './dns/lookup.ts'
import { trustAddons } from './node/native-addons.ts'
import { denyWaysOut } from './denied-apis.ts'
import { guardReports } from './node/diagnostic-report.ts'
import { guardServers } from './tcp/servers.ts'
import { guardSharedNames } from './node/shared-names.ts'
import { guardSockets } from './tcp/socket.ts'
import { guardTls } from './tcp/tls.ts'

/** Options of {@link installGuard}. */
export interface GuardOptions {
  /**
   * Packages whose native addons may load in an overlay because they open no sockets: the guard cannot control an addon
   * that does. The packages that one of them lists in `optionalDependencies`, with its binaries for single platforms,
   * are included.
   * @default none
   */
  readonly native?: readonly string[]
}

let installed = false

/**
 * Installs the guard in this thread. Call it before any user code. Names that a module imported earlier are covered
 * too; captured references to the originals are stopped at the native handles.
 *
 * A refusal is a TroupeError of kind `PermissionDenied` whose `code` is `EOVERLAY`, or `EUNBOUND` in a thread that has
 * no network yet and so opens nothing.
 *
 * @throws TroupeError `Internal` in a version of Node that lacks the internals that the guard needs; nothing is
 *   installed then.
 */
export function installGuard({ native }: GuardOptions = {}): void {
  if (native !== undefined) trustAddons(native)
  if (installed) return
  internals()
  installed = true
  guardSockets()
  guardServers()
  guardTls()
  guardHandles()
  guardLookup()
  guardQueries()
  guardDatagrams()
  guardAgents()
  guardFetch()
  guardReports()
  guardSharedNames()
  denyWaysOut()
  syncBuiltinESMExports()
}
