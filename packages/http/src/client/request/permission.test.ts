import { TroupeError } from '@troupe/core'
import type { NetworkAccess } from '@troupe/network'
import { describe, expect, it } from 'vitest'
import { permitted } from './permission.ts'
import { loadSchema, type ParsedRequest, parseRequest } from './parsed-request.ts'

/** The permissions that a request needs, as `action of resource`. */
async function asked(url: string, options?: unknown): Promise<readonly string[]> {
  await loadSchema()
  const questions: string[] = []
  const parsed = parseRequest('GET', url, options, 'options')
  await permitted(
    hopOf(parsed),
    accessWith(async (action, resource) => void questions.push(`${action} of ${resource}`)),
  )
  return questions
}

function hopOf({ url, tls, unixSocket }: ParsedRequest) {
  return { url, insecure: tls?.insecureSkipVerify === true, unixSocket }
}

function accessWith(permit: NonNullable<NetworkAccess['permit']>): NetworkAccess {
  return {
    select: async () => undefined,
    route: async () => Promise.reject(new TroupeError('NotFound', 'no overlay')),
    permit,
  }
}

describe('the permissions of a request', () => {
  it('cover its URL, without parts that may be secret', async () => {
    expect(await asked('https://me:secret@example.com/a?token=1#x')).toEqual([
      'http_client.request of https://example.com/a',
    ])
  })

  it.each([
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.31.255.255',
    '192.168.0.1',
    '100.64.0.1',
    '0x7f.1',
    '[::1]',
    '[fe80::1]',
    '[fd00::1]',
    '[::ffff:10.0.0.1]',
    '[64:ff9b::a00:1]',
    '224.0.0.1',
  ])('cover the address too if it is written out and not public: %s', async (host) => {
    const { hostname } = new URL(`http://${host}/`)
    expect(await asked(`http://${host}/`)).toEqual([
      `http_client.request of http://${hostname}/`,
      `http_client.private_ip of ${hostname.replaceAll(/[[\]]/g, '')}`,
    ])
  })

  it.each(['93.184.216.34', '172.32.0.1', '[2606:2800:220:1::1]', 'localhost.example'])(
    'do not, for %s',
    async (host) => {
      expect(await asked(`http://${host}/`)).toHaveLength(1)
    },
  )

  it('cover TLS without verification', async () => {
    const insecure = { tls: { insecureSkipVerify: true } }
    expect(await asked('https://example.com/', insecure)).toEqual([
      'http_client.request of https://example.com/',
      'http_client.insecure_tls of https://example.com/',
    ])
    expect(await asked('http://example.com/', insecure)).toHaveLength(1)
  })

  it('end it when they are denied', async () => {
    const parsed = parseRequest('GET', 'http://example.com/', undefined, 'options')
    const denial = accessWith(async () => Promise.reject(new TroupeError('PermissionDenied', 'no')))
    await expect(permitted(hopOf(parsed), denial) ?? Promise.resolve()).rejects.toMatchObject({
      kind: 'PermissionDenied',
    })
  })
})
