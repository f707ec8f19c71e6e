/** What the thread of the link loads to keep the jobs of a cluster. */
import type { LinkAccess } from '@troupe/cluster/link'
import { ask } from '@troupe/process'
import { JobsLink } from './jobs-link.ts'

export function extend(access: LinkAccess): AsyncDisposable {
  return new JobsLink({
    access,
    kernel: {
      commands: async () => ask('jobCommands', {}),
      settle: async (outcomes, ready) => ask('jobOutcomes', { outcomes, ready }),
    },
  })
}
