import { join } from 'node:path'
import { Application } from 'typedoc'
import { expect, it } from 'vitest'
import { withoutExample } from './callables.ts'

it('finds the names that applications call and that have no example', async () => {
  const fixture = join(import.meta.dirname, '../fixtures/callables')
  const app = await Application.bootstrap({
    entryPoints: [join(fixture, 'mailer.ts')],
    tsconfig: join(fixture, 'tsconfig.json'),
    skipErrorChecking: true,
    logLevel: 'Error',
  })
  const project = await app.convert()
  expect(project && withoutExample(project).toSorted()).toEqual([
    'Mailer.constructor',
    'Mailer.each',
    'Mailer.send',
    'Post.stamp',
    'Visits.visit',
    'open',
    'post.__type.weigh',
  ])
})
