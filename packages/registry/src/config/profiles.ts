/** Profiles of a config: named parts of it that are laid over the rest when they are chosen. */
import { invalid } from '@troupe/core'
import { formatPosition } from '../yaml/source-position.ts'
import { didYouMean } from '../schema/suggest.ts'
import { emptyMapping, mergeNodes, type YamlNode } from '../yaml/node.ts'

const key = 'profiles'

export interface Profiles {
  /** The config without its profiles. */
  readonly rest: YamlNode
  /** Each profile, by its name. */
  readonly named: ReadonlyMap<string, YamlNode>
}

/** Separates the profiles from a config. @throws TroupeError `Invalid` when they are not a mapping. */
export function profilesOf(tree: YamlNode): Profiles {
  const found = tree.type === 'mapping' ? tree.pairs.get(key)?.node : undefined
  if (found === undefined || tree.type !== 'mapping') return { rest: tree, named: new Map() }
  if (found.type !== 'mapping')
    throw invalid(`${formatPosition(found.place)}: ${key}: expected profiles by their names`)
  const rest = { ...tree, pairs: new Map([...tree.pairs].filter(([name]) => name !== key)) }
  return { rest, named: new Map(Array.from(found.pairs, ([name, { node }]) => [name, node])) }
}

/** Lays the chosen profiles over the rest, from left to right. @throws TroupeError `Invalid` for an unknown profile. */
export function withProfiles({ rest, named }: Profiles, chosen: readonly string[]): YamlNode {
  return chosen.reduce((tree, name) => {
    const profile = named.get(name)
    if (profile === undefined) throw invalid(`there is no profile "${name}"${didYouMean(name, named.keys())}`)
    return mergeNodes(tree, profile.type === 'mapping' ? profile : emptyMapping(profile.place))
  }, rest)
}
