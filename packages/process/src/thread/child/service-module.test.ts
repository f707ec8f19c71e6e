import { expect, it } from 'vitest'
import { serviceModule } from './service-module.ts'

const module = (source: string) => `data:text/javascript,${encodeURIComponent(source)}`

it('is a module that serves and warms up', async () => {
  const url = module('export const serve = () => {}; export const warmUp = async () => {}')
  expect(Object.keys(await serviceModule(url))).toEqual(['serve', 'warmUp'])
})

it.each(['export const serve = () => {}', 'export const serve = 1, warmUp = 2', 'export default { serve() {} }'])(
  'is refused: %s',
  async (source) => {
    await expect(serviceModule(module(source))).rejects.toMatchObject({
      kind: 'Internal',
      message: expect.stringContaining('exports no "serve" and "warmUp"') as string,
    })
  },
)
