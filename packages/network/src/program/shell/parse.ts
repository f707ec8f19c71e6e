/** Parses shell commands: lists of pipelines of simple commands. */
import type { Command, ListItem, Part, Pipeline, Redirect, Word } from './syntax.ts'
import { setOptions } from './set-options.ts'
import { type Token, tokensOf, UnsupportedSyntax } from './words.ts'

export { UnsupportedSyntax } from './words.ts'

/** Words that begin a compound command. */
const reserved = new Set(
  'if then else elif fi for while until do done case esac select function time coproc { } [['.split(' '),
)
/** Builtins that this shell does not have. */
const forbidden = new Set(
  'eval source . trap alias shift getopts ulimit umask wait jobs bg fg command builtin'.split(' '),
)

/** @throws UnsupportedSyntax for everything else that a shell can do. */
export function parseCommands(text: string): readonly ListItem[] {
  const items: ListItem[] = []
  let operator: ListItem['operator'] = ';'
  let pending: Token[] = []
  const finish = () => {
    if (pending.length > 0) items.push({ operator, pipeline: pipelineOf(pending) })
    else if (operator !== ';') throw new UnsupportedSyntax(`nothing after ${operator}`)
    pending = []
  }
  for (const token of tokensOf(text)) {
    if (token.type === 'operator' && token.text !== '|') {
      // A line may end after && and ||.
      if (pending.length === 0 && token.text === ';') continue
      if (pending.length === 0) throw new UnsupportedSyntax(`nothing before ${token.text}`)
      finish()
      operator = token.text === '&&' ? '&&' : token.text === '||' ? '||' : ';'
    } else pending.push(token)
  }
  finish()
  return items
}

function pipelineOf(tokens: readonly Token[]): Pipeline {
  const [first] = tokens
  const negated = first?.type === 'word' && plainText(first.word) === '!'
  const commands: Command[] = []
  let pending: Token[] = []
  for (const token of [...tokens.slice(negated ? 1 : 0), { type: 'operator', text: '|' } as const]) {
    if (token.type !== 'operator') pending.push(token)
    else {
      if (pending.length === 0) throw new UnsupportedSyntax('an empty command')
      commands.push(commandOf(pending))
      pending = []
    }
  }
  return { commands, negated }
}

function commandOf(tokens: readonly Token[]): Command {
  const assignments: (readonly [string, Word])[] = []
  const words: Word[] = []
  const redirects: Redirect[] = []
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]
    if (token?.type === 'redirect') {
      at += 1
      const target = tokens[at]
      if (target?.type !== 'word') throw new UnsupportedSyntax('a redirection without a target')
      redirects.push({ fd: token.fd, operator: token.operator, target: target.word })
    } else if (token?.type === 'word') {
      const assignment = words.length === 0 ? assignmentOf(token.word) : undefined
      if (assignment === undefined) words.push(token.word)
      else assignments.push(assignment)
    }
  }
  const name = words[0] === undefined ? undefined : plainText(words[0])
  if (name !== undefined && (reserved.has(name) || forbidden.has(name))) throw new UnsupportedSyntax(`"${name}"`)
  if (name === 'set') setOptions(words.slice(1).map((word) => plainText(word) ?? ''))
  return { assignments, words, redirects }
}

function assignmentOf([first, ...rest]: Word): readonly [string, Word] | undefined {
  if (first === undefined || !('text' in first) || first.quoted) return undefined
  const [whole, name] = /^([A-Za-z_]\w*)=/.exec(first.text) ?? []
  if (whole === undefined || name === undefined) return undefined
  const value: Part = { text: first.text.slice(whole.length), quoted: true }
  return [name, [value, ...rest.map((part) => ({ ...part, quoted: true }))]]
}

/** Returns the text of a word without quotes and variables. */
function plainText(word: Word): string | undefined {
  const [part, ...more] = word
  return part !== undefined && more.length === 0 && 'text' in part && !part.quoted ? part.text : undefined
}
