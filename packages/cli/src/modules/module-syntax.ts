/** Reads imports, exports and the entries that calls name from the syntax tree of a module. */
import type { Expression, ImportAttribute, Literal, ModuleDeclaration, Node, Pattern, Program, Statement } from 'acorn'
import type { SourcePosition } from '@troupe/registry'

/** A name that one module imports from another. */
export interface ImportedName {
  readonly name: string
  readonly place: SourcePosition
}

export interface SourceImport {
  readonly specifier: string
  readonly place: SourcePosition
  /** `export * from`: this module re-exports all names of that one. */
  readonly star: boolean
  /** The names that are imported from there. */
  readonly names: readonly ImportedName[]
  /** By `require`, which resolves files in its own way. */
  readonly isRequire: boolean
  /** `with { type: 'json' }`; unknown for `import(name, options)` with options that are computed. */
  readonly type: string | undefined
}

/** An entry that a call names: `funcs.call('app:hash')`. */
export interface NamedEntry {
  readonly id: string
  readonly kinds: readonly string[]
  readonly place: SourcePosition
}

export function importsOf(program: Program, file: string): readonly SourceImport[] {
  const stated = program.body.filter(isModuleDeclaration).flatMap((statement) => importOf(statement, file))
  return [...stated, ...nodesOf(program).flatMap((node) => dynamicImport(node, file))]
}

/** What CommonJS requires by a literal. */
export function requiresOf(program: Program, file: string): readonly SourceImport[] {
  return nodesOf(program).flatMap((node) => {
    const callee = node.type === 'CallExpression' ? field(node, 'callee') : undefined
    if (callee?.type === 'Identifier' && nameOf(callee) === 'require') {
      const [word] = fields(node, 'arguments')
      const specifier = textOf(word)
      if (word === undefined || specifier === undefined) return []
      return [{ specifier, star: false, place: placeOf(word, file), names: [], type: undefined, isRequire: true }]
    }
    return dynamicImport(node, file)
  })
}

export function exportsOf(program: Program): readonly string[] {
  return program.body.filter(isModuleDeclaration).flatMap(namesExported)
}

/** Whether the file can only be an ES module. */
export function isEsModule(program: Program): boolean {
  return program.body.some(isModuleDeclaration)
}

/**
 * Where a module uses what only CommonJS has: `module.exports`, `exports.name`, or a `require(…)` that it does not
 * define.
 */
export function commonJsUse(program: Program, file: string): SourcePosition | undefined {
  for (const node of nodesOf(program)) {
    if (node.type === 'AssignmentExpression' && isExports(field(node, 'left'))) return placeOf(node, file)
  }
  return undefined
}

/** The entries that calls of `funcs` and `processes` name by literals. */
export function entriesNamed(program: Program, file: string): readonly NamedEntry[] {
  const own = new Set(
    program.body
      .filter((statement) => statement.type === 'ImportDeclaration')
      .filter(({ source }) => source.value === 'troupe')
      .flatMap(({ specifiers }) => specifiers.map(({ local }) => local.name)),
  )
  if (own.size === 0) return []
  return nodesOf(program).flatMap((node) => entriesOfCall(node, own, file))
}

/** Literals in the form `id: '…'`: entries that code may create. */
export function idsWritten(program: Program): readonly string[] {
  return nodesOf(program).flatMap((node) => {
    if (node.type !== 'Property') return []
    const key = field(node, 'key')
    const id = textOf(field(node, 'value'))
    return key !== undefined && nameOf(key) === 'id' && id !== undefined ? [id] : []
  })
}

/** The first literal arguments of calls, by the object and method. */
const entryCalls: Readonly<Record<string, Readonly<Record<string, readonly (readonly string[])[]>>>> = {
  funcs: { call: [['function.ts']] },
  processes: Object.fromEntries(
    ['spawn', 'spawnMonitored', 'spawnLinked', 'spawnLinkedMonitored', 'exec'].map((name) => [
      name,
      [['process.ts'], ['process.host']],
    ]),
  ),
}

function entriesOfCall(node: Node, own: ReadonlySet<string>, file: string): readonly NamedEntry[] {
  if (node.type !== 'CallExpression') return []
  const callee = field(node, 'callee')
  const method = callee?.type === 'MemberExpression' ? field(callee, 'property') : undefined
  const root = callee && rootOf(callee)
  if (method === undefined || root === undefined || !own.has(root)) return []
  const takes = entryCalls[root]?.[nameOf(method)] ?? []
  const words = fields(node, 'arguments')
  return takes.flatMap((kinds, index) => {
    const word = words[index]
    const id = textOf(word)
    return word === undefined || id === undefined || !id.includes(':')
      ? []
      : [{ id, kinds, place: placeOf(word, file) }]
  })
}

/** The object at the beginning of `funcs.withActor(a).call`. */
function rootOf(node: Node): string | undefined {
  if (node.type === 'Identifier') return nameOf(node)
  const inner = field(node, node.type === 'CallExpression' ? 'callee' : 'object')
  return inner && rootOf(inner)
}

function isExports(node: Node | undefined): boolean {
  if (node?.type !== 'MemberExpression') return false
  const object = field(node, 'object')
  const property = field(node, 'property')
  if (object?.type === 'Identifier' && nameOf(object) === 'exports') return true
  return (
    object?.type === 'Identifier' &&
    nameOf(object) === 'module' &&
    property !== undefined &&
    nameOf(property) === 'exports'
  )
}

function isModuleDeclaration(node: Statement | ModuleDeclaration): node is ModuleDeclaration {
  return node.type.startsWith('Import') || node.type.startsWith('Export')
}

function importOf(statement: ModuleDeclaration, file: string): readonly SourceImport[] {
  if (statement.type === 'ExportDefaultDeclaration' || !statement.source) return []
  const star = statement.type === 'ExportAllDeclaration' && !statement.exported
  return [
    {
      specifier: String(statement.source.value),
      star,
      place: placeOf(statement.source, file),
      names: namesTaken(statement).map((node) => ({ name: nameOf(node), place: placeOf(node, file) })),
      type: attributeOf(statement.attributes),
      isRequire: false,
    },
  ]
}

/** The names as the other module has them; `default` when none is written. */
function namesTaken(statement: ModuleDeclaration): readonly (Node & Named)[] {
  if (statement.type === 'ImportDeclaration') {
    return statement.specifiers.flatMap((specifier): (Node & Named)[] => {
      if (specifier.type === 'ImportSpecifier') return [specifier.imported]
      return specifier.type === 'ImportDefaultSpecifier' ? [{ ...specifier.local, name: 'default' }] : []
    })
  }
  return statement.type === 'ExportNamedDeclaration' ? statement.specifiers.map(({ local }) => local) : []
}

function dynamicImport(node: Node, file: string): readonly SourceImport[] {
  if (node.type !== 'ImportExpression') return []
  const source = field(node, 'source')
  const specifier = textOf(source)
  if (source === undefined || specifier === undefined) return []
  const type = field(node, 'options') === undefined ? undefined : 'json'
  return [{ specifier, star: false, place: placeOf(source, file), names: [], type, isRequire: false }]
}

function attributeOf(attributes: readonly ImportAttribute[] | undefined): string | undefined {
  const type = attributes?.find(({ key }) => nameOf(key) === 'type')
  return type && String(type.value.value)
}

function namesExported(statement: ModuleDeclaration): readonly string[] {
  switch (statement.type) {
    case 'ExportDefaultDeclaration':
      return ['default']
    case 'ExportAllDeclaration':
      return statement.exported ? [nameOf(statement.exported)] : []
    case 'ExportNamedDeclaration': {
      const { declaration, specifiers } = statement
      const listed = specifiers.map(({ exported }) => nameOf(exported))
      if (!declaration) return listed
      return declaration.type === 'VariableDeclaration'
        ? declaration.declarations.flatMap(({ id }) => boundBy(id))
        : [declaration.id.name]
    }
    default:
      return []
  }
}

/** The names that a pattern binds: `{ a, b: [c] }` binds `a` and `c`. */
function boundBy(pattern: Pattern): readonly string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name]
    case 'ObjectPattern':
      return pattern.properties.flatMap((part) => boundBy(part.type === 'Property' ? part.value : part.argument))
    case 'ArrayPattern':
      return pattern.elements.flatMap((part) => (part ? boundBy(part) : []))
    case 'AssignmentPattern':
      return boundBy(pattern.left)
    case 'RestElement':
      return boundBy(pattern.argument)
    default:
      return []
  }
}

type Named = { readonly name: string } | Pick<Literal, 'value'> | Expression

function nameOf(node: Node & object): string {
  if ('name' in node) return String(node.name)
  return 'value' in node ? String(node.value) : ''
}

/** The text of a literal, or of a template without substitutions. */
function textOf(node: Node | undefined): string | undefined {
  if (node?.type === 'Literal' && 'value' in node && typeof node.value === 'string') return node.value
  if (node?.type !== 'TemplateLiteral') return undefined
  const quasis = fields(node, 'quasis')
  const value: unknown = quasis.length === 1 && quasis[0] ? Reflect.get(quasis[0], 'value') : undefined
  return typeof value === 'object' && value !== null && 'cooked' in value && typeof value.cooked === 'string'
    ? value.cooked
    : undefined
}

function placeOf({ loc }: Node, file: string): SourcePosition {
  return { file, line: loc?.start.line ?? 1, column: (loc?.start.column ?? 0) + 1 }
}

function field(node: Node, key: string): Node | undefined {
  const value: unknown = Reflect.get(node, key)
  return isNode(value) ? value : undefined
}

function fields(node: Node, key: string): readonly Node[] {
  const value: unknown = Reflect.get(node, key)
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** A node and all its descendants. */
function nodesOf(root: Node): readonly Node[] {
  const found: Node[] = []
  const open: Node[] = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    found.push(node)
    for (const value of Object.values(node)) open.push(...(Array.isArray(value) ? value : [value]).filter(isNode))
  }
  return found
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value
  )
}
