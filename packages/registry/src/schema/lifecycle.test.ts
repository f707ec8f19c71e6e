import { entryId } from '@troupe/core'
import { describe, expect, it } from 'vitest'
import { Registry } from '../registry.ts'
import { host, kinds } from '../testing/kinds.ts'

function lifecycle(value: Readonly<Record<string, unknown>> | undefined) {
  const registry = new Registry({ kinds })
  const fields = { host: { isolation: 'thread' }, ...(value && { lifecycle: value }) }
  registry.add({ id: entryId('app:host'), kind: 'process.host', fields })
  return registry.decode(entryId('app:host'), host)
}

describe('lifecycleSchema', () => {
  it('has defaults throughout, with or without the field', () => {
    const defaults = {
      autoStart: false,
      startTimeout: 10_000,
      stopTimeout: 10_000,
      stableThreshold: 5_000,
      requires: [],
      restart: { initialDelay: 1_000, maxDelay: 90_000, backoffFactor: 2, jitter: 0.1, maxAttempts: 0 },
      security: { groups: [], policies: [] },
    }
    expect(lifecycle(undefined).fields.lifecycle).toEqual(defaults)
    expect(lifecycle({}).fields.lifecycle).toEqual(defaults)
    expect(lifecycle({ restart: { max_attempts: 3 } }).fields.lifecycle.restart).toEqual({
      ...defaults.restart,
      maxAttempts: 3,
    })
  })

  it('treats requires and depends_on the same, and both are references', () => {
    const { fields, references } = lifecycle({ requires: ['a', 'net:b'], depends_on: ['a', 'c'] })
    expect(fields.lifecycle.requires).toEqual(['app:a', 'net:b', 'app:c'])
    expect(references.map(({ id }) => id)).toEqual(['app:a', 'net:b', 'app:a', 'app:c'])
  })

  it.each([
    [{ restart: { jitter: 2 } }, 'lifecycle.restart.jitter'],
    [{ restart: { backoff_factor: 0.5 } }, 'lifecycle.restart.backoff_factor'],
    [{ restart: { max_delay: 5 } }, 'lifecycle.restart.max_delay'],
    [{ auto_start: 'yes' }, 'lifecycle.auto_start'],
    [{ autostart: true }, 'lifecycle.autostart: there is no such field; did you mean "auto_start"?'],
    [{ security: { policies: ['a b'] } }, 'lifecycle.security.policies[0]'],
  ])('refuses %j', (value, message) => {
    expect(() => lifecycle(value)).toThrow(message)
  })
})
