/** `troupe explain <action> <resource>`. */
import { compilePolicies, type Explanation, Security } from '@troupe/policy/kernel'
import { z } from 'zod'
import { explanation, type Loaded, load, type PolicyQuestion, type VersionedExplanation } from 'troupe/app'
import { attach } from '../attach/client.ts'
import type { CommonOptions, ExplainQuery } from '../invocation.ts'
import { formatTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

/** Those of an application that runs have its process id, and the version of the registry. */
type Explained = Explanation & { readonly registryVersion?: number; readonly pid?: number }

/**
 * Prints whether the policies would allow the action, and the result of each policy. The status is 1 when it would be
 * denied.
 */
export async function explain(query: ExplainQuery & CommonOptions, terminal: Terminal): Promise<number> {
  const loaded = await load(query)
  const question = questionOf(query)
  const explained: Explained = query.running
    ? await asRunning(loaded, query.pid, question)
    : asWritten(loaded, question)
  const { action, resource, verdict, reason, policies } = explained
  const isAllowed = verdict === 'allow'
  if (query.json) terminal.out(JSON.stringify(explained, undefined, 2))
  else {
    terminal.out(`${action} of ${resource}: ${isAllowed ? 'allowed' : 'denied'}, ${reason}`)
    if (explained.registryVersion !== undefined)
      terminal.out(`by version ${explained.registryVersion} of the registry of process ${explained.pid}`)
    if (policies.length > 0)
      terminal.out(
        formatTable(
          ['POLICY', 'SAYS', 'WHY'],
          policies.map(({ policy, says, reason: why }) => [policy, says, why]),
        ),
      )
  }
  return isAllowed ? 0 : 1
}

/** The decision of the application's files. */
function asWritten({ registry, config }: Loaded, question: PolicyQuestion) {
  const policies = compilePolicies(registry)
  const variables = (name: string) => registry.env.namesOf(name)
  const { strictMode } = config.security
  return explanation(new Security({ policies, strictMode, variables, log: () => undefined }), question)
}

/** The decision of the application that runs. */
async function asRunning(
  { config }: Loaded,
  pid: number | undefined,
  question: PolicyQuestion,
): Promise<VersionedExplanation & { readonly pid: number }> {
  const client = await attach(config.networkService.stateDir, pid)
  return { pid: client.pid, ...(await client.explain(question)) }
}

function questionOf({ action, resource, actor, actorMeta, scope, groups, meta }: ExplainQuery): PolicyQuestion {
  return {
    action,
    resource,
    ...(actor !== undefined && { actor: { id: actor, meta: factsOf(actorMeta) } }),
    scope: [...scope],
    groups: [...groups],
    meta: factsOf(meta),
  }
}

function factsOf(words: readonly string[]): PolicyQuestion['meta'] {
  return Object.fromEntries(
    words.map((word) => {
      const [key = '', ...rest] = word.split('=')
      return [key, valueOf(rest.join('='))]
    }),
  )
}

function valueOf(text: string): PolicyQuestion['meta'][string] {
  try {
    return z.json().parse(JSON.parse(text))
  } catch {
    return text
  }
}
