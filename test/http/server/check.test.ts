import { load } from 'troupe/app'
import { describe, expect, it } from 'vitest'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { formatDiagnostic } from '@troupe/registry'

const right = `version: "1.0"
namespace: app
entries:
  - { name: web, kind: http.service, addr: ":8080" }
  - { name: api, kind: http.router, meta: { server: web }, prefix: /api }
  - { name: hello, kind: function.ts, source: "file://hello.ts" }
  - { name: one, kind: http.endpoint, meta: { router: api }, path: "/users/{id}", func: hello }
  - { name: files, kind: http.static, meta: { server: web }, path: /, directory: "file://public" }
`

/** The problems that these added lines cause, by their positions. */
async function problems(...lines: readonly string[]): Promise<readonly string[]> {
  const root = await mkdtemp(join(tmpdir(), 'troupe-check-'))
  try {
    await mkdir(join(root, 'src/public'), { recursive: true })
    await writeFile(join(root, 'src/_index.yaml'), right + lines.map((line) => `  - ${line}\n`).join(''))
    await writeFile(join(root, 'src/hello.ts'), 'export function handler() {}\n')
    const { problems: found } = await load({ root })
    return found.map((problem) => relative('src', formatDiagnostic(problem, root)).replaceAll(root, ''))
  } finally {
    await rm(root, { recursive: true })
  }
}

describe('troupe check of servers', () => {
  it('finds no problem in a correct configuration', async () => {
    expect(
      await problems(
        '{ name: two, kind: http.endpoint, meta: { router: api }, method: POST, path: "/users/{name}", func: hello }',
      ),
    ).toEqual([])
  })

  it.each([
    [
      '{ name: two, kind: http.endpoint, meta: { router: api }, path: "/users/{name}", func: hello }',
      /:9:\d+: app:two: path: GET \/api\/users\/\{name\} is app:one's already at .*_index\.yaml:7/,
    ],
    [
      '{ name: two, kind: http.static, meta: { server: web }, path: /, directory: "file://public" }',
      /:9:\d+: app:two: path: \/ is app:files's already/,
    ],
    [
      '{ name: two, kind: http.endpoint, meta: { router: apo }, path: /two, func: hello }',
      /:9:\d+: app:two: meta\.router: there is no entry app:apo; did you mean "app:api"/,
    ],
    [
      '{ name: two, kind: http.endpoint, meta: { router: web }, path: /two, func: hello }',
      /:9:\d+: app:two: meta\.router: app:web is of the kind http\.service; expected http\.router/,
    ],
    [
      '{ name: two, kind: http.endpoint, meta: { router: api }, path: /two, func: web }',
      /:9:\d+: app:two: func: app:web is of the kind http\.service; expected function\.ts/,
    ],
    [
      '{ name: two, kind: http.endpoint, meta: { router: api }, path: "/a/{b", func: hello }',
      /:9:\d+: app:two: path: expected a path such as/,
    ],
    [
      '{ name: two, kind: http.endpoint, meta: { router: api }, path: "/{a...}/b", func: hello }',
      /:9:\d+: app:two: path: expected a path such as/,
    ],
    [
      '{ name: two, kind: http.endpoint, meta: { router: api }, path: "/{a}/{a}", func: hello }',
      /:9:\d+: app:two: path: expected a path such as/,
    ],
    [
      '{ name: two, kind: http.endpoint, meta: { router: api }, path: /two, func: hello, permission: enter }',
      /:9:\d+: app:two: permission: it is never checked/,
    ],
    [
      '{ name: two, kind: http.router, meta: { server: web }, middleware: [corz] }',
      /:9:\d+: app:two: middleware\[0\]: /,
    ],
    ['{ name: two, kind: http.service, addr: "8080" }', /:9:\d+: app:two: addr: expected an address/],
    ['{ name: two, kind: http.service, addr: ":80801" }', /:9:\d+: app:two: addr: a port is at most 65535/],
    [
      '{ name: two, kind: http.service, addr: ":1", tls: { mode: auto } }',
      /:9:\d+: app:two: tls\.mode: auto needs a network/,
    ],
    [
      '{ name: two, kind: http.service, addr: ":1", tls: { cert: "file://none.pem" } }',
      /:9:\d+: app:two: tls\.(?:key: expected the key|cert: there is no file)/,
    ],
    [
      '{ name: two, kind: http.service, addr: ":1", reply_via: same }',
      /:9:\d+: app:two: reply_via: it needs "network"/,
    ],
    [
      '{ name: two, kind: http.static, meta: { server: web }, path: /b, directory: "file://none" }',
      /:9:\d+: app:two: directory: there is no file/,
    ],
  ])('reports with its position: %s', async (line, expected) => {
    expect((await problems(line)).join('\n')).toMatch(expected)
  })
})
