/** A process that has others use clients: by a function inline, or by a message. */
import { funcs, processes } from 'troupe'

export async function call(how, ...args) {
  return how === 'inline' ? inline(...args) : send(...args)
}

const inline = async (options, work) => funcs.withOptions(options).call('app:inline', work)
const send = async (to, work) => processes.call(to, 'say', work)
