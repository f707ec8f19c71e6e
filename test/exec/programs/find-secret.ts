/**
 * Looks for a word in the arguments and the environment of all processes, while a fork of it runs: `find-secret.ts
 * BASE64 [URL]`. Prints what it fetched, and where it found the word, apart from the proxy's own arguments.
 */
import { fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const [encoded = '', url] = process.argv.slice(2)
const word = Buffer.from(encoded, 'base64')
const read = (path: string) => {
  try {
    return readFileSync(path)
  } catch {
    return Buffer.alloc(0)
  }
}

if (process.send !== undefined) setInterval(() => {}, 1000)
else {
  const child = fork(import.meta.filename, [])
  const answer = url === undefined ? process.env['TS_AUTHKEY'] : await (await fetch(url)).text()
  const places = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => ['cmdline', 'environ'].map((file) => `/proc/${pid}/${file}`))
  const found = places
    .filter((place) => read(place).includes(word))
    .map((place) => read(place.replace('environ', 'cmdline')))
  console.log(JSON.stringify([answer, found.map(String).filter((arguments_) => !arguments_.includes('microsocks'))]))
  child.kill()
}
