/** The key of a node, and the configuration of the servers that admits it. */
import { createUser } from '@nats-io/nkeys'
import { nodePermissions } from './node-permissions.ts'

export interface NodeKey {
  readonly node: string
  /** The secret half, as the file of `cluster.credentials` contains it. */
  readonly seed: string
  readonly publicKey: string
}

/** Makes a key, which is stored nowhere. */
export function makeNodeKey(node: string): NodeKey {
  const pair = createUser()
  const seed = `${new TextDecoder().decode(pair.getSeed())}\n`
  const publicKey = pair.getPublicKey()
  pair.clear()
  return { node, seed, publicKey }
}

/** Returns the text for the configuration file of each server. It contains no secret. */
export function accountText(cluster: string, keys: readonly Pick<NodeKey, 'node' | 'publicKey'>[]): string {
  return `# For each server of the cluster ${cluster}: one account, with a user for each node.
accounts {
  "${cluster}" {
    jetstream: enabled
    users: [
${keys.map((key) => userText(cluster, key)).join('\n')}
    ]
  }
}`
}

function userText(cluster: string, { node, publicKey }: Pick<NodeKey, 'node' | 'publicKey'>): string {
  const { publish, subscribe } = nodePermissions(cluster, node)
  return `      { # node ${node}
        nkey: ${publicKey}
        permissions {
          publish { allow: ${listOf(publish.allow)} }
          subscribe { allow: ${listOf(subscribe.allow)} }
        }
      }`
}

function listOf(subjects: readonly string[]): string {
  const lines = subjects.map((subject) => `            "${subject}"`)
  return `[\n${lines.join('\n')}\n          ]`
}
