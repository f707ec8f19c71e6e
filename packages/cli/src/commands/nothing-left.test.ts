import { entryId, TroupeError } from '@troupe/core'
import type { ServiceState, ServiceStatus } from 'troupe/app'
import { describe, expect, it } from 'vitest'
import { servicesGivenUp } from './nothing-left.ts'

const failure = new TroupeError('Invalid', 'it cannot work')

function status(name: string, kind: string, state: ServiceState, error?: TroupeError): ServiceStatus {
  return { id: entryId(`app:${name}`), kind, state, attempts: 0, error }
}

const waitsFor = (name: string) => new TroupeError('Unavailable', 'it waits', { details: { needs: `app:${name}` } })
const host = status('threads', 'process.host', 'Running')
const over = status('worker', 'process.service', 'Exited', failure)

/** The names of those that gave up, if nothing else can run. */
const namesOf = (...services: readonly ServiceStatus[]) => servicesGivenUp(services).map(({ id }) => id.slice(4))

describe('nothing is left that can run', () => {
  it('when the only service has given up, whatever hosts and overlays do', () => {
    expect(namesOf(host, status('tor', 'network.socks5', 'Running'), over)).toEqual(['worker'])
  })

  it('when the others have returned, or were never started', () => {
    const returned = status('setup', 'process.service', 'Exited')
    expect(namesOf(host, over, returned, status('spare', 'process.service', 'Unknown'))).toEqual(['worker'])
  })

  it('when the others wait for one that has given up, also through others', () => {
    const net = status('net', 'network.tailscale', 'Exited', failure)
    const web = status('web', 'http.service', 'Failed', waitsFor('net'))
    expect(namesOf(net, web, status('more', 'process.service', 'Failed', waitsFor('web')))).toEqual(['net'])
  })
})

describe('something is left that can run', () => {
  it.each<ServiceState>(['Starting', 'Running', 'Stopping', 'Stopped', 'Failed'])('while a service is %s', (state) => {
    expect(namesOf(host, over, status('web', 'http.service', state))).toEqual([])
  })

  it('while a service waits for one that may run again', () => {
    const tor = status('tor', 'network.socks5', 'Failed', failure)
    expect(namesOf(over, tor, status('web', 'http.service', 'Failed', waitsFor('tor')))).toEqual([])
  })

  it('where no service has failed, or none works by itself', () => {
    expect(namesOf(host, status('setup', 'process.service', 'Exited'))).toEqual([])
    expect(namesOf(status('tor', 'network.tailscale', 'Exited', failure))).toEqual([])
  })
})
