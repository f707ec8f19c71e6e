/**
 * `body_limit`: limits the length of a request's body. Not hono's own middleware, which reads a body of unknown length
 * into memory before the handler sees any of it. Here the body streams, and fails when it exceeds the limit.
 */
import { invalid } from '@troupe/core'
import type { MiddlewareHandler } from 'hono'
import type { BodyLimitOptions } from './options.ts'

export function bodyLimit({ max }: BodyLimitOptions): MiddlewareHandler {
  return async (context, next) => {
    const { raw } = context.req
    const contentLength = raw.headers.get('content-length')
    const tooLong = () => context.text('Payload Too Large', 413)
    if (contentLength !== null && !raw.headers.has('transfer-encoding'))
      return Number(contentLength) > max ? tooLong() : next()
    if (raw.body === null) return next()
    let size = 0
    let isTooLong = false
    const counted = raw.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          size += chunk.byteLength
          if (size <= max) controller.enqueue(chunk)
          else {
            isTooLong = true
            controller.error(invalid(`the body is longer than ${max} bytes`, { max }))
          }
        },
      }),
    )
    context.req.raw = new Request(raw, { method: raw.method, body: counted, duplex: 'half' })
    try {
      await next()
    } catch (error) {
      if (!isTooLong) throw error
    }
    // Whatever the handler made of the end of its input.
    if (isTooLong) {
      const unsent = context.res.body
      context.res = undefined
      context.res = tooLong()
      if (unsent?.locked === false)
        unsent.cancel(invalid(`the body is longer than ${max} bytes`)).catch(() => undefined)
    }
    return undefined
  }
}
