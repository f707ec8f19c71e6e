/** `security.token_store`: tokens that represent an actor and a scope. */
import { defineKind, duration, type FieldsOf, sourceFile } from '@troupe/registry'
import { z } from 'zod'

const fields = () =>
  z
    .strictObject({
      /**
       * The secret that signs tokens, at least 32 characters; from the environment: `${env:TOKEN_KEY}`. A new secret
       * invalidates all tokens.
       */
      key: z.string().min(32, 'expected a key of at least 32 characters').optional(),
      /** A file with the secret, such as `file://token.key`; white space around the secret is ignored. */
      keyFile: sourceFile().optional(),
      /** Where tokens are kept: in memory until the application ends, or in a file. */
      storage: z.enum(['memory', 'sqlite']).default('memory'),
      /** The file, relative to the application's folder. */
      path: z.string().min(1).default('.troupe/tokens.db'),
      /** The lifetime of a token without one of its own. */
      ttl: duration().default(24 * 60 * 60 * 1000),
      /** The maximum lifetime of a token. */
      maxTtl: duration().optional(),
      /** Maximum number of valid tokens. */
      maxTokens: z.int().min(1).default(100_000),
    })
    .superRefine(({ key, keyFile, ttl, maxTtl }, context) => {
      if ((key === undefined) === (keyFile === undefined))
        context.addIssue({
          code: 'custom',
          path: ['key'],
          message: 'expected either a key, or a key_file that holds it',
        })
      if (maxTtl !== undefined && ttl > maxTtl)
        context.addIssue({ code: 'custom', path: ['ttl'], message: 'it is longer than max_ttl' })
    })

/**
 * @example
 * ```yaml
 * - name: tokens
 *   kind: security.token_store
 *   key: ${env:TOKEN_KEY}
 *   storage: sqlite
 * ```
 */
export const tokenStoreKind = defineKind({ kind: 'security.token_store', fields })

/** Fields of a `security.token_store`. Times are milliseconds. */
export type TokenStoreFields = FieldsOf<typeof tokenStoreKind>
