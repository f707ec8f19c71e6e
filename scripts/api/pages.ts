/**
 * The pages of the API, which TypeDoc makes from the comments of the sources: `npm run docs:api` writes them into
 * `docs/api`, for the site. With `--check` it writes nothing, and fails if a public name has no comment, if one that
 * applications call has no example, or if a comment links to nothing.
 */
import { rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Application, Comment, Converter, type ProjectReflection, type Reflection, ReflectionKind } from 'typedoc'
import type { PluginOptions } from 'typedoc-plugin-markdown'
import { manifestOf } from '../manifest.ts'
import { withoutExample } from './callables.ts'

const root = join(import.meta.dirname, '../..')

/** Where the pages are written. */
export const apiFolder = join(root, 'docs/api')

/** The public entry points, by the name under which applications import them. */
export function entryPoints(): ReadonlyMap<string, string> {
  const { exports = {} } = manifestOf(join(root, 'packages/troupe'))
  const files = Object.entries(exports ?? {}).map(([path, file]): [string, string] => [
    join('troupe', path),
    join(root, 'packages/troupe', String(file)),
  ])
  return new Map(files)
}

/** What TypeDoc reports, and the names that it found. */
export interface Converted {
  readonly app: Application
  readonly project: ProjectReflection
}

const markdown: PluginOptions = {
  entryFileName: 'index',
  hidePageHeader: true,
  hideBreadcrumbs: false,
  useCodeBlocks: true,
  expandParameters: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  indexFormat: 'table',
  sanitizeComments: true,
  navigationJson: join(apiFolder, 'navigation.json'),
}

/** Reads the sources. */
export async function convert(): Promise<Converted> {
  const app = await Application.bootstrapWithPlugins({
    plugin: ['typedoc-plugin-markdown'],
    tsconfig: join(import.meta.dirname, 'tsconfig.json'),
    entryPoints: [...entryPoints().values()],
    name: 'API',
    out: apiFolder,
    readme: 'none',
    basePath: root,
    disableSources: true,
    disableGit: true,
    // The repository's own compiler checks the types.
    skipErrorChecking: true,
    excludePrivate: true,
    excludeInternal: true,
    excludeExternals: true,
    logLevel: 'Warn',
    validation: { notDocumented: true, notExported: false, invalidLink: true, invalidPath: false },
    packagesRequiringDocumentation: ['troupe', ...workspaces],
    ...markdown,
  })
  // Before TypeDoc moves the comments of parameters to them.
  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    ({ project }) => {
      for (const { comment } of Object.values(project.reflections)) joinDefaults(comment)
    },
    early,
  )
  const project = await app.convert()
  if (project === undefined) throw new Error('TypeDoc cannot read the sources')
  return { app, project }
}

/** A `@default` after a `@param` is that of the parameter. TypeDoc would make it a heading of the function. */
function joinDefaults(comment: Comment | undefined): void {
  if (comment === undefined) return
  comment.blockTags = comment.blockTags.filter(({ tag, content }, index, tags) => {
    const before = tags[index - 1]
    if (tag !== '@default' || before?.tag !== '@param') return true
    // TypeDoc takes the text for code.
    const text = content.map((part) => part.text.replace(/^```ts\n([^]*)\n```$/, '$1')).join('')
    before.content.push({ kind: 'text', text: ` Default: ${text.trim()}.` })
    return false
  })
}

/** The order of a listener: those with a higher number come first. */
const early = 1000

/** Packages whose names `troupe` exports again. */
const workspaces = ['core', 'functions', 'http', 'network', 'policy', 'process', 'queue', 'registry'].map(
  (name) => `@troupe/${name}`,
)

/**
 * Marks the members of types that are written inline as documented: the comment of the whole describes them. Not the
 * methods of objects such as `http`, unless their functions have comments.
 */
function markInlineMembers(project: ProjectReflection): void {
  for (const each of project.getReflectionsByKind(ReflectionKind.Property)) {
    if (!each.isDeclaration() || each.hasComment() || each.parent?.kindOf(ReflectionKind.TypeLiteral) !== true) continue
    const signatures = each.type?.type === 'reflection' ? (each.type.declaration.signatures ?? []) : []
    if (signatures.every((signature) => signature.hasComment()) || !isOfObject(each))
      each.comment = new Comment([{ kind: 'text', text: 'Inline.' }])
  }
}

function isOfObject(member: Reflection): boolean {
  for (let each: Reflection | undefined = member; each !== undefined; each = each.parent)
    if (each.kindOf(ReflectionKind.Variable)) return true
  return false
}

if (import.meta.main) {
  const { app, project } = await convert()
  if (process.argv.includes('--check')) {
    markInlineMembers(project)
    app.validate(project)
    for (const name of withoutExample(project)) app.logger.warn(`${name} has no @example, and applications call it`)
    process.exitCode = app.logger.hasWarnings() || app.logger.hasErrors() ? 1 : 0
  } else {
    rmSync(apiFolder, { recursive: true, force: true })
    await app.generateOutputs(project)
    console.log(`${relative(root, apiFolder)} is written`)
  }
}
