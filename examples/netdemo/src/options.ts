/** The command's arguments. */
import { parseArgs } from 'node:util'

export interface Options {
  readonly json: boolean
  /** `host:port` of a real proxy; the default is the embedded one. */
  readonly proxy: string | undefined
  /** URL of an echo that the proxy can reach; the default is the embedded one. */
  readonly echo: string | undefined
}

export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, proxy: { type: 'string' }, echo: { type: 'string' } },
  })
  return { json: values.json ?? false, proxy: values.proxy, echo: values.echo }
}
