/** YAML: every file is parsed, or rejected with positions inside the file. */
import { parseYaml } from '../../packages/registry/src/yaml/parse.ts'
import { valueOf, type YamlNode } from '../../packages/registry/src/yaml/node.ts'
import { textTarget } from './lib/inputs.ts'

const target = textTarget({
  pieces: [
    'a: ',
    '- ',
    '\n',
    '  ',
    '{',
    '}',
    '[',
    ']',
    ',',
    ': ',
    '&a ',
    '*a',
    '<<: ',
    '!!str ',
    '? ',
    '"',
    "'",
    '|\n',
    '>-\n',
    '#',
    '---\n',
    '...\n',
    '%YAML 1.2\n',
    '\t',
    '\uFEFF',
    '\r',
    '\u2028',
    '\0',
    '1e5',
    '0x1F',
    'null',
    '__proto__: ',
    '12345678901234567890',
    '\ud800',
  ],
  check: (input) => {
    const lines = input.split(/\r\n|\r|\n/).length
    const within = ({ line, column }: { readonly line: number; readonly column: number }) => {
      if (!(line >= 1 && line <= lines + 1 && column >= 0))
        throw new Error(`the place ${line}:${column} is not in ${lines} lines`)
    }
    const visit = (node: YamlNode): void => {
      within(node.place)
      if (node.type === 'sequence') node.items.forEach(visit)
      if (node.type === 'mapping') for (const pair of node.pairs.values()) visit(pair.node)
    }
    const { documents, problems } = parseYaml(input, 'fuzz.yaml')
    for (const { place } of problems) if (place !== undefined) within(place)
    for (const document of documents) {
      // Aliases make a document large to visit: rejected documents need no visit.
      if (problems.length === 0) visit(document)
      if (problems.length === 0 && typeof valueOf(document) === 'function') throw new Error('a document is a function')
    }
  },
})
export default target.fuzz
export const { replay } = target
