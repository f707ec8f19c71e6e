/** The kinds of entries from which a server's routes are made. */
import { defineKind, type FieldsOf, reference, sourceFile } from '@troupe/registry'
import { z } from 'zod'
import { middlewareNames, middlewareProblems, middlewareOptions } from '../middleware/options.ts'
import { isPattern } from '../server/routing/pattern.ts'

const path = () =>
  z
    .string()
    .refine(
      isPattern,
      'expected a path such as "/users/{id}" or "/files/{rest...}": ' +
        'parameters fill a segment, the last may take the rest',
    )

/**
 * Endpoints under a prefix, with the middleware that runs before them.
 *
 * @example
 * ```yaml
 * - name: api
 *   kind: http.router
 *   meta: { server: web }
 *   prefix: /api
 *   middleware: [cors, request_id]
 * ```
 */
export const routerKind = defineKind({
  kind: 'http.router',
  fields: () =>
    z
      .strictObject({
        prefix: path().default('/').describe('Path that the paths of its endpoints begin with.'),
        middleware: z.array(z.enum(middlewareNames)).default([]).describe('Names of middleware, the outermost first.'),
        options: middlewareOptions().prefault({}).describe('The options of the middleware, by its names.'),
      })
      .superRefine(({ middleware, options }, context) => {
        for (const { path: at, message } of middlewareProblems(middleware, options)) {
          context.addIssue({ code: 'custom', path: [...at], message })
        }
      }),
  meta: () => ({ server: reference('http.service').describe('The server that it belongs to.') }),
})

/**
 * A function that responds to requests.
 *
 * @example
 * ```yaml
 * - name: user
 *   kind: http.endpoint
 *   meta: { router: api }
 *   method: GET
 *   path: /users/{id}
 *   func: show_user
 * ```
 */
export const endpointKind = defineKind({
  kind: 'http.endpoint',
  fields: () =>
    z.strictObject({
      method: z
        .enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', '*'])
        .default('GET')
        .describe('Method of the requests; `*` for any. `GET` also responds to `HEAD`.'),
      path: path().describe('Path below the prefix of the router: `{id}` is one segment, `{rest...}` all that remain.'),
      func: reference('function.ts').describe('The function: it gets a `Request`, and returns a `Response`.'),
      permission: z
        .string()
        .min(1)
        .max(256)
        .optional()
        .describe('An action for which the caller needs permission; the resource is the id of this entry.'),
    }),
  meta: () => ({ router: reference('http.router').describe('The router that it belongs to.') }),
})

/**
 * The files of a folder.
 *
 * @example
 * ```yaml
 * - name: page
 *   kind: http.static
 *   meta: { server: web }
 *   path: /
 *   directory: file://public
 * ```
 */
export const staticKind = defineKind({
  kind: 'http.static',
  fields: () =>
    z.strictObject({
      path: path()
        .refine((text) => !text.includes('{') && !text.includes('*'), 'expected a path without parameters')
        .describe('Path of the folder, such as `/` or `/assets`.'),
      directory: sourceFile().describe('The folder, such as `file://public`.'),
      index: z.string().min(1).default('index.html').describe('The file that is served for a folder.'),
      fallback: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The file that is served where the requested one does not exist and the client requests a page: for ' +
            'applications that route in the browser.',
        ),
      cacheControl: z.string().min(1).default('no-cache').describe('`Cache-Control` of files that are found.'),
      dotfiles: z.boolean().default(false).describe('Also serves files whose names begin with a dot.'),
    }),
  meta: () => ({ server: reference('http.service').describe('The server that it belongs to.') }),
})

export type StaticFields = FieldsOf<typeof staticKind>
