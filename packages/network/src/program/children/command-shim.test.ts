import { expect, it } from 'vitest'
import { parseCommands } from '../shell/parse.ts'
import { soleProgram } from '../shell/sole-program.ts'
import { shimCommand } from './command-shim.ts'

/** As pnpm 10 writes it. */
const shim = String.raw`#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\,/,g')")

case ${'`'}uname${'`'} in
    *CYGWIN*|*MINGW*|*MSYS*)
        if command -v cygpath > /dev/null 2>&1; then
            basedir=${'`'}cygpath -w "$basedir"${'`'}
        fi
    ;;
esac

if [ -z "$NODE_PATH" ]; then
  export NODE_PATH="/app/a:/app/b"
else
  export NODE_PATH="/app/a:/app/b:$NODE_PATH"
fi
if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/../mocha/bin/mocha.js" "$@"
else
  exec node  "$basedir/../mocha/bin/mocha.js" "$@"
fi
`

function planned(text: string, folder: string, variables: Readonly<Record<string, string>> = {}) {
  const env = new Map(Object.entries(variables))
  const command = shimCommand(text, `${folder}/mocha`, env)
  if (command === undefined) return undefined
  const scope = { env, parameters: ['mocha', 'a b', '$x'], folder: '/' }
  const { args, env: own } = soleProgram(parseCommands(command), scope) ?? {}
  return { args, path: own?.get('NODE_PATH') }
}

it('is one Node program, with its modules', () => {
  const args = (folder: string) => ['node', `${folder}/../mocha/bin/mocha.js`, 'a b', '$x']
  expect(planned(shim, '/x/.bin')).toEqual({ args: args('/x/.bin'), path: '/app/a:/app/b' })
  expect(planned(shim, '/x/.bin', { NODE_PATH: '/mine' })?.path).toBe('/app/a:/app/b:/mine')
  expect(planned(shim, '/x $HOME "`\\/.bin')?.args).toEqual(args('/x $HOME "`\\/.bin'))
})

it('is nothing else', () => {
  expect(planned('#!/bin/sh\nexec node "$@"\n', '/x')).toBeUndefined()
  expect(planned(shim.replaceAll('exec', 'curl'), '/x')).toBeUndefined()
})
