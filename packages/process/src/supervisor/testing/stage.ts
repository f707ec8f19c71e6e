/** A service on a stage: its time and its steps are the test's. */
import { entryId, type TroupeError } from '@troupe/core'
import { lifecycleSchema } from '@troupe/registry'
import { SimulatedClock } from 'xstate'
import { Service, type ServiceState } from '../../service/service.ts'
import { Play } from './act.ts'
import { States } from './states.ts'

export const id = entryId('app:it')

/** @param lifecycle - As it is written; delays grow from 1 s to 4 s without jitter unless it says otherwise. */
export function staged(
  lifecycle: Readonly<Record<string, unknown>> = {},
  blockedBy: () => TroupeError | undefined = () => undefined,
) {
  const clock = new SimulatedClock()
  const play = new Play()
  const states = new States()
  const restart = { jitter: 0, initialDelay: '1s', maxDelay: '4s', backoffFactor: 2 }
  const service = new Service({
    id,
    kind: 'test.service',
    lifecycle: lifecycleSchema.parse({ restart, ...lifecycle }),
    start: play.start,
    blockedBy,
    clock,
    onChange: states.record,
  })
  return {
    clock,
    play,
    service,
    states,
    until: async (state: ServiceState, times = 1) => states.until(id, state, times),
  }
}
