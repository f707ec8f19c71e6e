import { describe, expect, it } from 'vitest'
import { appFolder } from '../testing/app-folder.ts'
import { containing } from '../testing/matchers.ts'

const app = (config = '') =>
  appFolder({
    ...(config !== '' && { '.troupe.yaml': config }),
    'src/_index.yaml': `namespace: app
entries:
  - { name: net, kind: security.policy, actions: network.*, resources: 'app:*', effect: allow, groups: [browsing] }
  - name: readers
    kind: security.policy
    actions: document.read
    resources: '*'
    effect: allow
    conditions: [{ field: actor.meta.role, operator: in, value: [reader, editor] }]
    groups: [browsing]
  - name: own
    kind: security.policy.expr
    actions: document.*
    resources: '*'
    effect: allow
    expression: meta.owner == actor.id
  - { name: never, kind: security.policy, actions: '*', resources: 'app:secret', effect: deny }
`,
  })

describe('troupe explain', () => {
  it('shows which policy decides, and why the others do not', async () => {
    using folder = app()
    const words = [
      'explain',
      'document.read',
      'd1',
      '--actor',
      'ann',
      '--group',
      'browsing',
      '--scope',
      'app:own',
      '--actor-meta',
      'role=editor',
    ]
    expect(await folder.troupe(...words)).toEqual({
      status: 0,
      err: '',
      out: [
        'document.read of d1: allowed, the policy app:readers allows it',
        'POLICY       SAYS     WHY',
        'app:own      nothing  the expression fails: No such key: owner',
        'app:net      nothing  it is about the actions network.*',
        'app:readers  allow    it is about this, and its conditions hold',
      ].join('\n'),
    })
  })

  it('exits with 1 when access is denied', async () => {
    using folder = app()
    const denied = await folder.troupe(
      'explain',
      'network.select',
      'app:secret',
      '--actor',
      'ann',
      '--scope',
      'app:net',
      '--scope',
      'app:never',
      '--json',
    )
    expect(denied.status).toBe(1)
    expect(JSON.parse(denied.out)).toEqual({
      action: 'network.select',
      resource: 'app:secret',
      verdict: 'deny',
      reason: 'the policy app:never denies it to ann',
      policies: [
        { policy: 'app:net', says: 'allow', reason: 'it is about this, and its conditions hold' },
        { policy: 'app:never', says: 'deny', reason: 'it is about this, and its conditions hold' },
      ],
    })
    const silent = await folder.troupe('explain', 'document.read', 'd', '--actor', 'ann', '--scope', 'app:readers')
    expect(silent).toMatchObject({
      status: 1,
      out: containing('the condition actor.meta.role in ["reader","editor"] does not hold'),
    })
  })

  it('uses strict mode, and the given facts', async () => {
    using folder = app('security: { strict_mode: true }\n')
    expect(await folder.troupe('explain', 'process.spawn', 'app:x')).toMatchObject({
      status: 1,
      out: containing('there is no actor'),
    })
    const own = ['explain', 'document.write', 'd', '--actor', 'ann', '--scope', 'app:own', '--meta', 'owner=ann']
    expect(await folder.troupe(...own)).toMatchObject({ status: 0, out: containing('the policy app:own allows it') })
  })

  it.each([
    [['explain', 'network.select'], 2, 'an action and a resource'],
    [['explain', 'a', 'b', 'c'], 2, 'an action and a resource'],
    [['list', '--actor', 'ann'], 2, '--actor belongs to "troupe explain"'],
    [['explain', 'a', 'b', '--group', 'unknown', '--actor', 'ann'], 1, 'no policy is in the group "unknown"'],
    [['explain', 'a', 'b', '--scope', 'nonsense'], 1, 'not an entry id'],
  ])('%j is refused', async (words, status, reason) => {
    using folder = app()
    expect(await folder.troupe(...words)).toMatchObject({ status, err: containing(reason) })
  })
})
