/** The requests of all packages, with who may send each and what it contains. */
import { functionRequests } from '@troupe/functions/kernel'
import { httpRequests } from '@troupe/http/kernel'
import { kernelRequests, type KnownRequests, type RequestRule } from '@troupe/process/protocol'
import { queueRequests } from '@troupe/queue/kernel'
import { registryRequests } from '../../live/request-rules.ts'
import type { QuestionName } from './questions.ts'

export const requestRules: Readonly<Record<QuestionName, RequestRule>> = {
  ...kernelRequests,
  ...functionRequests,
  ...queueRequests,
  ...httpRequests,
  ...registryRequests,
}

export const knownRequests: KnownRequests = new Map(
  Object.entries(requestRules).map(([name, rule]) => [name, { rule }]),
)
