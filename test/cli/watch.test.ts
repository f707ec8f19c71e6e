import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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
  it('applies saved changes, reports problems with their position, and keeps running code', {
    timeout: 60_000,
  }, async () => {
    using folder = app()
    const save = (name: string, text: string) => writeFileSync(join(folder.path, name), text)
    using program = folder.start('run', '--watch')
    await program.says('troupe: watching')
    await program.says('one first')

    save('src/ticks.ts', ticks('two').replace('main()', 'main('))
    await program.says('troupe: changes not applied; the application continues unchanged')
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
    await program.says('"entry":"app:bell","msg":"Running"')
    await program.says('two ends')

    save('.troupe.yaml', 'network_service:\n  default_network: app:proxy\n')
    await program.says('there is no overlay app:proxy')
    save('src/proxy.yaml', 'namespace: app\nname: proxy\nkind: network.socks5\nhost: 127.0.0.1\nport: 1\n')
    await program.says('default_network has changed from none to app:proxy: it is read at the start')

    save('src/more.yaml', 'namespace: app\nname: more\nkind: env.storage.memory\n')
    await program.says('create app:more')
    rmSync(join(folder.path, 'src/more.yaml'))
    await program.says('delete app:more')
    rmSync(join(folder.path, 'src/ticks.ts'))
    await program.says('there is no file')
    program.kill('SIGTERM')
    const { status, err } = await program.ended
    expect([status, err.match(/changes not applied/g)?.length]).toEqual([0, 4])
  })

  it('restarts services and children with new code, except upgradable and stopped ones', {
    timeout: 60_000,
  }, async () => {
    const plain = (word: string) => `import { self } from 'troupe'
export async function main(name: string) {
  console.log(name + ' ${word}')
  for await (const message of self.inbox) console.log(message)
  console.log(name + ' ${word} ends')
}
export function fails(): void {
  if ('${word}' === 'one') throw new Error('as it was')
  console.log('repaired')
}
`
    using folder = new AppFolder({
      'package.json': '{ "type": "module" }',
      'src/ticks.ts': ticks('upgradable one'),
      'src/word.ts': "export const word = ''\n",
      'src/plain.ts': plain('one'),
      'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - { name: threads, kind: process.host, lifecycle: { auto_start: true } }
  - { name: ticks, kind: process.ts, source: file://ticks.ts }
  - { name: plain, kind: process.ts, source: file://plain.ts }
  - { name: fails, kind: process.ts, source: file://plain.ts, method: fails }
  - { name: clock, kind: process.service, process: ticks, host: threads, lifecycle: { auto_start: true } }
  - name: service
    kind: process.service
    process: plain
    host: threads
    input: [service]
    lifecycle: { auto_start: true }
  - { name: rested, kind: process.service, process: plain, host: threads, input: [rested] }
  - name: failing
    kind: process.service
    process: fails
    host: threads
    lifecycle: { auto_start: true, restart: { initial_delay: 1h, max_delay: 1h } }
  - name: team
    kind: process.supervisor
    host: threads
    children: [{ id: child, process: plain, input: [child] }]
    lifecycle: { auto_start: true }
`,
    })
    using program = folder.start('run', '--watch')
    // The code changes when all of them have run the old one: `failing` would succeed with the new one.
    for (const words of ['service one', 'child one', 'upgradable one', 'as it was', 'troupe: watching'])
      await program.says(words)
    writeFileSync(join(folder.path, 'src/plain.ts'), plain('two'))
    for (const words of ['service one ends', 'child one ends', 'service two', 'child two', 'repaired'])
      await program.says(words)
    await program.says(
      'new code for app:fails, new code for app:plain, restarted ' +
        'app:failing, restarted app:service, restarted app:team/child',
    )
    program.kill('SIGTERM')
    const { out } = await program.ended
    expect([out.includes('rested'), out.match(/upgradable one/g)?.length]).toEqual([false, 2])
  })

  it('applies CommonJS, in threads that continue, for every importer', { timeout: 60_000 }, async () => {
    using folder = new AppFolder({
      'package.json': '{ "type": "module" }',
      'src/old.cjs': "exports.main = () => require('./word.cjs')\n",
      'src/word.cjs': "module.exports = 'one'\n",
      'src/imports.ts': "import old from './old.cjs'\nexport const main = () => old.main()\n",
      'src/poll.ts': `import { processes, self } from 'troupe'
export async function main() {
  while (!self.signal.aborted) {
    const old = await processes.exec('app:old', 'app:crowd')
    console.log('CommonJS', old, 'imported', await processes.exec('app:imports', 'app:crowd'))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
`,
      'src/_index.yaml': `namespace: app
entries:
  - { name: crowd, kind: process.host, host: { isolation: shared, workers: 1 }, lifecycle: { auto_start: true } }
  - { name: old, kind: process.ts, source: file://old.cjs }
  - { name: imports, kind: process.ts, source: file://imports.ts }
  - { name: poll, kind: process.ts, source: file://poll.ts }
  - { name: service, kind: process.service, process: poll, host: crowd, lifecycle: { auto_start: true } }
`,
    })
    using program = folder.start('run', '--watch')
    for (const words of ['troupe: watching', 'CommonJS one imported one']) await program.says(words)
    writeFileSync(join(folder.path, 'src/word.cjs'), "module.exports = 'two'\n")
    await program.says('new code for app:imports, new code for app:old')
    await program.says('CommonJS two imported two')
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
  })

  it('ends with the last saved state, although it reads a half-written file', {
    timeout: 120_000,
  }, async () => {
    using folder = app()
    using program = folder.start('run', '--watch')
    await program.says('troupe: watching')
    await program.says('one first')
    // The watcher checks a tenth of a second after a change.
    for (const pause of [60, 90, 100, 110, 120, 150]) {
      writeFileSync(join(folder.path, 'src/word.ts'), `export const word = 'half ${pause}'\n`)
      await sleep(pause)
      writeFileSync(join(folder.path, 'src/word.ts'), `export const word = 'all ${pause}'\n`)
      await program.says(`one all ${pause}`)
    }
    program.kill('SIGTERM')
    expect((await program.ended).status).toBe(0)
  })
})
