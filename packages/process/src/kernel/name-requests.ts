/** Requests about the names and groups of processes. */
import type { KernelParts } from './kernel-parts.ts'
import type { OwnHandlers } from './request-handler.ts'

type Parts = Pick<KernelParts, 'authorizer' | 'discovery' | 'serviceNames' | 'processes'>

type NameRequest = 'register' | 'unregister' | 'lookup' | 'joinGroup' | 'leaveGroup' | 'broadcastTo' | 'groupMembers'

export function nameHandlers({
  authorizer,
  discovery,
  serviceNames,
  processes,
}: Parts): Pick<OwnHandlers, NameRequest> {
  return {
    register: async ({ name, pid }, { record }) => {
      authorizer.checkName(record, 'register', name, pid)
      await discovery.find(pid)
      serviceNames.checkFree(name)
      processes.register(name, pid)
    },
    unregister: ({ name }, { record }) => {
      authorizer.checkName(record, 'unregister', name, processes.lookup(name))
      processes.unregister(name)
    },
    lookup: async ({ name }, { record, thread }) => {
      const found = (await serviceNames.find(name, thread.network)) ?? processes.lookup(name)
      const named = found && processes.get(found)
      return named !== undefined && authorizer.finds(record, named) ? found : undefined
    },
    joinGroup: async ({ group, pid }, { record }) => {
      authorizer.checkGroup(record, 'join', group, pid)
      await discovery.find(pid)
      processes.groups.join(group, pid)
    },
    leaveGroup: ({ group, pid }, { record }) => {
      authorizer.checkGroup(record, 'leave', group, pid)
      processes.groups.leave(group, pid)
    },
    broadcastTo: ({ group }, { record }) => {
      authorizer.checkGroup(record, 'broadcast', group)
      return processes.members(group)
    },
    groupMembers: ({ group }, { record }) =>
      processes.members(group).filter((pid) => {
        const member = processes.get(pid)
        return member !== undefined && authorizer.sees(record, member)
      }),
  }
}
