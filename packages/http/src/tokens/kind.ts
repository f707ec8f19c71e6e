/** `security.token_store`: tokens that represent an actor and a scope. */
import { defineKind, duration, type FieldsOf, sourceFile } from '@troupe/registry'
import { z } from 'zod'

const fields = () =>
  z
    .strictObject({
      key: z
        .string()
        .min(32, 'expected a key of at least 32 characters')
        .optional()
        .describe(
          'The secret that signs tokens, at least 32 characters; from the environment: `${env:TOKEN_KEY}`. A new ' +
            'secret invalidates all tokens.',
        ),
      keyFile: sourceFile()
        .optional()
        .describe('A file with the secret, such as `file://token.key`; white space around the secret is ignored.'),
      storage: z
        .enum(['memory', 'sqlite'])
        .default('memory')
        .describe('Where tokens are kept: in memory until the application ends, or in a file.'),
      path: z.string().min(1).default('.troupe/tokens.db').describe("The file, relative to the application's folder."),
      ttl: duration()
        .default(24 * 60 * 60 * 1000)
        .describe('The lifetime of a token without one of its own.'),
      maxTtl: duration().optional().describe('The maximum lifetime of a token.'),
      maxTokens: z.int().min(1).default(100_000).describe('Maximum number of valid tokens.'),
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
