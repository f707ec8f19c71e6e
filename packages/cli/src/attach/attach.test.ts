import { mkdtempDisposableSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { troupe } from '../testing/app-folder.ts'

it.each(['ps', 'tree', 'overlays', 'connections', 'pools', 'threads', 'policies', 'top'])(
  'troupe %s takes no operand',
  async (name) => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'troupe-operand-'))
    expect(await troupe(name, 'extra', '--root', folder.path)).toEqual({
      status: 2,
      out: '',
      err: [
        `troupe: "troupe ${name}" takes no "extra"; --root and --pid choose the application`,
        '"troupe --help" lists the commands.',
      ].join('\n'),
    })
  },
)
