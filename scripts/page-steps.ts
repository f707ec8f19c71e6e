/** The steps of a page for its reader: files to write, and commands to run. */

/** A file of a page, or a command with the output that the page shows. */
export type Step =
  | { readonly file: string; readonly text: string }
  | { readonly command: string; readonly output: string }

/** A part of a page, by its heading. */
export interface Part {
  readonly title: string
  readonly steps: readonly Step[]
}

/** A block of a page, with the language that it is marked with. */
const fence = /^```(\w*)\n([^]*?)^```$/gm

/** Returns the parts of a page. Each has a heading of the second level. */
export function partsOf(page: string): readonly Part[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const title = part.slice(0, part.indexOf('\n'))
      return { title, steps: stepsIn(part) }
    })
}

/**
 * Returns the steps in a text. A block whose first line is a comment with a path is that file. A block `console` has a
 * command in each line that begins with `$`, and output in the others. Each line of a block `sh` is a command.
 */
export function stepsIn(text: string): readonly Step[] {
  return Array.from(text.matchAll(fence), ([, language = '', block = '']) => stepsOf(language, block)).flat()
}

/** Returns the first lines of the blocks that look like commands, and are marked as something else. */
export function unmarkedCommands(text: string): readonly string[] {
  return Array.from(text.matchAll(fence), ([, language = '', block = '']) => {
    const [first = ''] = block.split('\n')
    return first.startsWith('$ ') && language !== 'console' ? [first] : []
  }).flat()
}

function stepsOf(language: string, block: string): readonly Step[] {
  if (language === 'console') {
    return block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const end = text.indexOf('\n')
        return { command: text.slice(0, end), output: text.slice(end + 1) }
      })
  }
  if (language === 'sh')
    return block
      .trim()
      .split('\n')
      .map((line) => ({ command: line.replace(/ +# .*$/, ''), output: '' }))
  const [, file, text] = /^(?:#|\/\/) (\S+\.\w+)\n([^]*)$/.exec(block) ?? []
  return file === undefined || text === undefined ? [] : [{ file, text }]
}
