/** Validators of the Standard Schema (https://standardschema.dev), such as those of zod, valibot and arktype. */
import type { Schema, SchemaIssue } from '@troupe/core'

/** Whether a value is a validator. */
export function isSchema(value: unknown): value is Schema {
  // Those of arktype are functions.
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  const standard: unknown = Reflect.get(value, '~standard')
  return typeof standard === 'object' && standard !== null && typeof Reflect.get(standard, 'validate') === 'function'
}

/** A value as the validator returns it; or what is wrong, in the words of the validator, and where. */
export type Validated = { readonly value: unknown } | { readonly wrong: string; readonly paths: readonly string[] }

/** Checks a value. */
export async function validated(schema: Schema, value: unknown): Promise<Validated> {
  const outcome = await schema['~standard'].validate(value)
  if (outcome.issues === undefined) return { value: outcome.value }
  const { issues } = outcome
  return { wrong: issues.map(textOf).join('; '), paths: issues.map(pathOf).filter((path) => path !== '') }
}

function textOf(issue: SchemaIssue): string {
  const path = pathOf(issue)
  return path === '' ? issue.message : `${path}: ${issue.message}`
}

function pathOf({ path = [] }: SchemaIssue): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
}
