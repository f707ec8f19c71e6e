/**
 * Adapters for web frameworks: the handler of a request runs on behalf of its actor, with its trace and deadline.
 *
 * @module troupe/adapters
 */
export { expressTroupe } from './express.ts'
export { type FastifyLike, type FastifyRequestLike, fastifyTroupe } from './fastify.ts'
export { type HonoContextLike, honoTroupe } from './hono.ts'
export type { AdapterOptions } from './request-context.ts'
