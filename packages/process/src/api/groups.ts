/** Groups of processes, kept by the kernel. A process leaves its groups when it ends. */
import { invalid, type Pid, TroupeError } from '@troupe/core'
import { snapshot, unpack } from '../mailbox/payload.ts'
import { ask, currentRuntime } from '../thread/current.ts'
import { currentParticipant, frameInForce } from '../thread/participant.ts'
import { checkTopic } from '../thread/messaging/send-errors.ts'

/** The outcome of a message to a group. */
export interface Broadcast {
  readonly delivered: number
  readonly refused: number
}

export const groups = {
  /**
   * Makes a process a member of a group. The first member creates the group.
   *
   * @example
   * ```ts
   * await processes.groups.join('listeners')
   * ```
   *
   * @param pid the process. @default the current process
   * @throws TroupeError `NotFound` when the process does not exist; `PermissionDenied` (`process.group.join`).
   */
  async join(name: string, pid: Pid = currentParticipant().pid): Promise<void> {
    await ask('joinGroup', { group: checked(name), pid })
  },

  /**
   * Removes a process from a group. Does nothing when it is not a member.
   *
   * @example
   * ```ts
   * await processes.groups.leave('listeners')
   * ```
   *
   * @throws TroupeError `PermissionDenied` (`process.group.leave`)
   */
  async leave(name: string, pid: Pid = currentParticipant().pid): Promise<void> {
    await ask('leaveGroup', { group: checked(name), pid })
  },

  /**
   * Returns the current members of which the caller may know, in the order in which they joined. Empty for a group
   * without members.
   *
   * @example
   * ```ts
   * for (const pid of await processes.groups.members('listeners')) await processes.cancel(pid)
   * ```
   */
  async members(name: string): Promise<readonly Pid[]> {
    return ask('groupMembers', { group: checked(name) })
  },

  /**
   * Sends a message to each member of a group, including the sender if it is a member. Settles when every mailbox has
   * accepted it. Members that end meanwhile are skipped.
   *
   * @example
   * ```ts
   * const { delivered } = await processes.groups.broadcast('listeners', 'news', { title: 'a new page' })
   * ```
   *
   * @returns how many members accepted it, and how many refused it because they run in another network and do not
   * accept messages from the sender's
   * @throws TroupeError `Invalid` for a topic or payload that cannot be sent; `PermissionDenied`
   * (`process.group.broadcast`, and `process.send` for each member).
   */
  async broadcast(name: string, topic: string, payload?: unknown): Promise<Broadcast> {
    const by = currentParticipant()
    const frame = frameInForce()
    checkTopic(topic)
    const message = { topic, payload: unpack(snapshot(payload)), frame, transfer: [] }
    const { router } = currentRuntime()
    const members = await ask('broadcastTo', { group: checked(name) })
    const sent = await Promise.all(
      members.map(async (to) => router.send(by, { ...message, to }).then(() => 'delivered' as const, outcomeOf)),
    )
    const count = (outcome: Outcome) => sent.filter((each) => each === outcome).length
    return { delivered: count('delivered'), refused: count('refused') }
  },
}

type Outcome = 'delivered' | 'refused' | 'gone'

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof TroupeError)) throw error
  if (error.kind === 'NotFound') return 'gone'
  if ('code' in error && error.code === 'ENETWORK') return 'refused'
  throw error
}

function checked(name: string): string {
  if (typeof name === 'string' && name !== '') return name
  throw invalid('the name of a group must be a non-empty string', { name })
}
