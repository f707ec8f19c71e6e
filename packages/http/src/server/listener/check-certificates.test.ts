import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { entryId } from '@troupe/core'
import { Registry } from '@troupe/registry'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpServiceKind } from '../../config/service-kind.ts'
import { checkCertificates } from './check-certificates.ts'

const day = 24 * 60 * 60 * 1000
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-certificates-'))
  for (const name of ['one', 'two']) {
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      join(folder, `${name}.key`),
    ]
    const args = ['req', '-x509', ...key, '-days', '2', '-subj', `/CN=${name}`, '-out', join(folder, `${name}.pem`)]
    execFileSync('openssl', args, { stdio: 'ignore' })
  }
  writeFileSync(join(folder, 'none.pem'), 'no certificate\n')
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

function check(cert: string, key: string, now?: number) {
  const registry = new Registry({ kinds: [httpServiceKind], root: folder })
  const fields = { addr: ':0', tls: { cert: `file://${cert}`, key: `file://${key}` } }
  registry.add({ id: entryId('app:web'), kind: 'http.service', fields })
  return checkCertificates(registry, now).map(({ message }) => message)
}

describe('certificates of a service', () => {
  it('that are correct cause no problem', () => {
    expect(check('one.pem', 'one.key')).toEqual([])
  })

  it('must belong to their key', () => {
    expect(check('one.pem', 'two.key')).toEqual(['tls.key: it is not the key of the certificate'])
  })

  it('must be valid now', () => {
    expect(check('one.pem', 'one.key', Date.now() + 3 * day)).toEqual([
      expect.stringMatching(/^tls\.cert: the certificate of CN=one expired on /),
    ])
    expect(check('one.pem', 'one.key', Date.now() - day)).toEqual([
      expect.stringMatching(/^tls\.cert: .* is not valid before /),
    ])
  })

  it('must be certificates', () => {
    expect(check('none.pem', 'one.pem')).toEqual([
      expect.stringMatching(/^tls\.cert: it cannot be read as PEM: /),
      expect.stringMatching(/^tls\.key: it cannot be read as PEM: /),
    ])
  })
})
