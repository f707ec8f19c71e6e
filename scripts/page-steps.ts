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

/**
 * Returns the parts of a page. A block whose first line is a comment with a path is that file. A block `console` has a
 * command in each line that begins with `$`, and output in the others.
 */
export function partsOf(page: string): readonly Part[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((part) => {
      const title = part.slice(0, part.indexOf('\n'))
      const blocks = part.matchAll(/^```(\w+)\n([^]*?)^```$/gm)
      return { title, steps: Array.from(blocks, ([, language = '', text = '']) => stepsOf(language, text)).flat() }
    })
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
  const [, file, text] = /^(?:#|\/\/) (\S+\.\w+)\n([^]*)$/.exec(block) ?? []
  return file === undefined || text === undefined ? [] : [{ file, text }]
}
