/** Validates the fields of requests from threads. They come from untrusted code. */
import { type Actor, type EntryId, invalid, isEntryId, isTraceState, notFound, parseTrace } from '@troupe/core'
import { checkMeta, maxName, maxScope } from '@troupe/policy'
import type { Policies } from '@troupe/policy/kernel'
import { z } from 'zod'
import { checkValues } from '../../protocol/context-limits.ts'
import type { ChosenContext, InheritedContext } from '../../protocol/programs.ts'

const record = z.record(z.string(), z.unknown())
const entry = z.custom<EntryId>((value) => typeof value === 'string' && isEntryId(value), 'expected an entry id')
const actor = z.strictObject({ id: z.string().min(1).max(maxName), meta: record })
const policyIds = z.array(entry).max(maxScope)
const choiceSchema = z.strictObject({
  network: entry.nullable().optional(),
  actor: actor.optional(),
  scope: policyIds.optional(),
})

/** @throws TroupeError `Invalid` for an invalid choice. */
export function checkChoice(choice: ChosenContext): void {
  if (Object.keys(choice).length === 0) return
  parse(choiceSchema, choice, 'choice')
  if (choice.actor !== undefined) checkActor(choice.actor)
}

/** @throws TroupeError `NotFound` for a scope with a policy that does not exist. */
export function checkPoliciesExist({ scope }: ChosenContext, policies: Policies): void {
  const missing = scope?.find((id) => !policies.has(id))
  if (missing !== undefined) throw notFound(`there is no policy ${missing}`, { policy: missing })
}

/** @throws TroupeError `Invalid` */
export function checkInheritance(inherit: InheritedContext): void {
  const { overlay, values, deadline, trace, traceState } = inherit
  if (typeof overlay === 'string' ? !isEntryId(overlay) : overlay !== undefined && overlay !== null)
    throw wrong('overlay')
  if (typeof values !== 'object' || values === null) throw wrong('values')
  checkValues(values)
  if (deadline !== undefined && typeof deadline !== 'number') throw wrong('deadline')
  if (trace !== undefined && (typeof trace !== 'string' || parseTrace(trace) === undefined)) throw wrong('trace')
  if (traceState !== undefined && !isTraceState(traceState)) throw wrong('traceState')
}

/** @throws TroupeError `Invalid` */
export function checkScope(given: readonly EntryId[]): void {
  parse(policyIds, given, 'scope')
}

/** @throws TroupeError `Invalid` */
export function checkActor(given: Actor): void {
  parse(actor, given, 'actor')
  checkMeta(given.meta, 'the meta of an actor')
}

function wrong(path: string) {
  return invalid(`invalid inherited context: ${path}`, { path })
}

function parse(schema: z.ZodType, value: unknown, path: string): void {
  const { error } = schema.safeParse(value)
  const issue = error?.issues[0]
  if (issue !== undefined) throw invalid(`${[path, ...issue.path.map(String)].join('.')}: ${issue.message}`, { path })
}
