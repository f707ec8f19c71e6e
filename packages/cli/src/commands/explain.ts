/** `troupe explain <action> <resource>`. */
import { emptyFrame, type EntryId, entryId, fork } from '@troupe/core'
import { newActor, Scope } from '@troupe/policy'
import { compilePolicies, opinions, Security } from '@troupe/policy/kernel'
import { load } from 'troupe/app'
import type { CommonOptions, ExplainQuery } from '../invocation.ts'
import { formatTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'

/**
 * Prints whether the policies would allow the action, and the result of each policy. The status is 1 when it would be
 * denied.
 */
export async function explain(question: ExplainQuery & CommonOptions, terminal: Terminal): Promise<number> {
  const { registry, config } = await load(question)
  const policies = compilePolicies(registry)
  const variables = (name: string) => registry.env.namesOf(name)
  const security = new Security({ policies, strictMode: config.security.strictMode, variables, log: () => undefined })
  const { action, resource } = question
  const meta = factsOf(question.meta)
  const actor = question.actor === undefined ? undefined : newActor(question.actor, factsOf(question.actorMeta))
  const scope = scopeOf(question, security)
  const decision = security.decide(fork(emptyFrame, { actor, scope }), action, resource, meta)
  const said = opinions(scope ?? [], policies, actor, action, resource, meta, variables)
  const reason =
    decision === 'allow' ? reasonToAllow(said.find(({ says }) => says === 'allow')?.policy) : decision.reason
  if (question.json)
    terminal.out(
      JSON.stringify(
        { action, resource, verdict: decision === 'allow' ? 'allow' : 'deny', reason, policies: said },
        undefined,
        2,
      ),
    )
  else {
    terminal.out(`${action} of ${resource}: ${decision === 'allow' ? 'allowed' : 'denied'}, ${reason}`)
    if (said.length > 0)
      terminal.out(
        formatTable(
          ['POLICY', 'SAYS', 'WHY'],
          said.map(({ policy, says, reason: why }) => [policy, says, why]),
        ),
      )
  }
  return decision === 'allow' ? 0 : 1
}

function scopeOf({ scope, groups }: ExplainQuery, security: Security): readonly EntryId[] | undefined {
  if (scope.length === 0 && groups.length === 0) return undefined
  return new Scope([
    ...scope.map((id) => entryId(id)),
    ...groups.flatMap((group) => security.namedScope(group).policies),
  ]).policies
}

function reasonToAllow(policy: EntryId | undefined): string {
  return policy === undefined
    ? 'there is no actor or no scope, and security.strict_mode is off'
    : `the policy ${policy} allows it`
}

function factsOf(words: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    words.map((word) => {
      const [key = '', ...rest] = word.split('=')
      return [key, valueOf(rest.join('='))]
    }),
  )
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
