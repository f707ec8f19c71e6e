/** A process that makes others use clients: by an inline function, or by a message. */
import { funcs, processes } from 'troupe'

export async function call(how, ...args) {
  return how === 'inline' ? inline(...args) : send(...args)
}

const inline = async (options, work) => funcs.withOptions(options).call('app:inline', work)
const send = async (to, work) => processes.call(to, 'say', work)
