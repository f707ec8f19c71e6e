import { describe, expect, it } from 'vitest'
import { troupe } from '../testing/app-folder.ts'
import { containing, matching } from '../testing/matchers.ts'

describe('troupe docs', () => {
  it.each([
    ['network.socks5', /^## `network\.socks5`\n[^]*\| `isolate_streams` \| boolean \| `false` \|/],
    ['isolate_streams', /^network\.socks5\n {2}field: isolate_streams\n {2}type: boolean\n {2}default: false\n/],
    ['lifecycle.restart.jitter', /^lifecycle\n {2}field: lifecycle\.restart\.jitter\n/],
    ['shutdown', /^## `shutdown`\n/],
    ['doctor', /^## `troupe doctor`\n[^]*Usage: troupe doctor/],
    ['kill', /^## For a running application\n[^]*troupe kill <pid>/],
    ['EOVERLAY', /^### `EOVERLAY`\n\nKind: `PermissionDenied`[^]*What to do: /],
    ['dangling-reference', /^Problems of files\n {2}code: dangling-reference\n {2}meaning: /],
    ['Unavailable', /^### `Unavailable`\n\n[^#|]*It is retryable\.[^#|]*What to do: [^#|]*$/],
    ['troupe:overlay:dial', /^### `troupe:overlay:dial`\n[^]*\| `milliseconds` \| number \|/],
    ['LINK_DOWN', /^Events of a process\n {2}event: LINK_DOWN\n {2}fields: from, error\n/],
    ['troupe_threads', /^Metrics\n {2}metric: troupe_threads\n {2}type: gauge\n {2}labels: owner, overlay, kind\n/],
    ['process.monitor', /^Permissions\n {2}action: process\.send[^]*\.monitor/],
    ['errors', /^# Errors\n/],
  ])('prints what the reference says about %s', async (word, expected) => {
    const { status, out, err } = await troupe('docs', word)
    expect([status, err]).toEqual([0, ''])
    expect(out).toMatch(expected)
  })

  it('prints what there is, and suggests a word', async () => {
    expect(await troupe('docs')).toMatchObject({ status: 0, out: matching(/^entries: .*network\.socks5/m) })
    expect(await troupe('docs', 'network.sock5')).toMatchObject({
      status: 1,
      out: '',
      err: containing('the reference has no "network.sock5"; did you mean "network.socks5"?'),
    })
    expect(await troupe('docs', 'Unavailble')).toMatchObject({ err: containing('did you mean "Unavailable"?') })
    expect(await troupe('docs', 'a', 'b')).toMatchObject({ status: 2 })
  })

  it.each([
    ['eoverlay', '### `EOVERLAY`'],
    ['SOCKS5', '## `network.socks5`'],
    ['tailscale', '## `network.tailscale`'],
    ['schedule', '## `process.schedule`'],
  ])('finds %s in another case, and without its family', async (word, heading) => {
    expect((await troupe('docs', word)).out).toContain(heading)
  })

  it.each([
    ['tor', '"network.socks5"'],
    ['ECONNREFUSED', '"Codes"'],
    ['circuit', '"network.socks5"'],
  ])('names the sections that mention %s', async (word, title) => {
    const { status, err } = await troupe('docs', word)
    expect(status).toBe(1)
    expect(err).toMatch(new RegExp(`^troupe: the reference has no "${word}"; it occurs under .*${title}`))
  })

  it('prints JSON', async () => {
    const { out } = await troupe('docs', 'one-thread', '--json')
    expect(JSON.parse(out)).toMatchObject([{ page: 'errors', section: 'Problems of files', names: ['one-thread'] }])
  })
})
