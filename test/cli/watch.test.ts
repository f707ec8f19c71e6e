import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AppFolder } from './app-folder.ts'

const entries = (service = 'clock') => `version: "1.0"
namespace: app
entries:
  - name: threads
    kind: process.host
    lifecycle: { auto_start: true }
  - name: ${service}
    kind: process.service
    process: ticks
    host: threads
    lifecycle: { auto_start: true }
  - name: ticks
    kind: process.ts
    source: file://ticks.ts
`

const ticks = (word: string) => `import { self } from 'troupe'
import { word } from './word.ts'
export async function main() {
  self.setOptions({ upgradable: true })
  console.log('${word} ' + word)
  for await (const event of self.events) {
    if (event.type === 'OUTDATED') await self.upgrade(null)
    if (event.type === 'CANCEL') return console.log('${word} ends')
  }
}
`

const app = () =>
  new AppFolder({
    'package.json': '{ "type": "module" }',
    'src/_index.yaml': entries(),
    'src/ticks.ts': ticks('one'),
    'src/word.ts': "export const word = 'first'\n",
  })

describe('troupe run --watch', () => {
  it('takes over what is saved, tells what is wrong with its place, and lets what ran go on', { timeout: 60_000 }, async () => {
    using folder = app()
    const save = (name: string, text: string) => writeFileSync(join(folder.path, name), text)
    using program = folder.start('run', '--watch')
    await program.says('troupe: watching')
    await program.says('one first')

    save('src/ticks.ts', ticks('two').replace('main()', 'main('))
    await program.says('troupe: not taken over; what ran goes on')
    await program.says('src/ticks.ts:')
    save('src/ticks.ts', ticks('two'))
    await program.says('new code for app:ticks')
    await program.says('two first')

    save('src/word.ts', "export const word = 'second'\n")
    await program.says('two second')

    save('src/_index.yaml', entries().replace('host: threads', 'host: treads'))
    await program.says('did you mean "app:threads"?')
    save('src/_index.yaml', entries('bell'))
    await program.says('troupe: delete app:clock, create app:bell')
    await program.says('app:bell Running')
    await program.says('two ends')

    save('src/more.yaml', 'namespace: app\nname: more\nkind: env.storage.memory\n')
    await program.says('create app:more')
    rmSync(join(folder.path, 'src/more.yaml'))
    await program.says('delete app:more')
    rmSync(join(folder.path, 'src/ticks.ts'))
    await program.says('there is no file')
    program.kill('SIGTERM')
    const { status, err } = await program.ended
    expect([status, err.match(/not taken over/g)?.length]).toEqual([0, 3])
  })
})
