/** The examples in the comments of public names, as modules that the compiler checks. */
import type { Comment, ProjectReflection, Reflection } from 'typedoc'

/** An example. */
export interface Example {
  /** The name that it is about, such as `troupe.processes.send`. */
  readonly name: string
  /** As it is written. */
  readonly code: string
  /** With the imports and the application that it takes for granted. */
  readonly module: string
}

/** What `app` is in the examples of an import. */
const applications: Readonly<Record<string, string>> = {
  troupe: "import('troupe').App",
  'troupe/adapters': "import('troupe').App",
  'troupe/app': "import('troupe/app').Application",
  'troupe/test': "import('troupe/test').TestApp",
}

/** Returns the examples of all names of the project, in their order. */
export function examplesOf(project: ProjectReflection): readonly Example[] {
  const modules = project.children ?? []
  const exported = new Map(modules.map(({ name, children = [] }) => [name, children.map((each) => each.name)]))
  const found = new Map<string, Example>()
  for (const reflection of Object.values(project.reflections)) {
    const origin = moduleOf(reflection)
    for (const code of codeOf(reflection.comment)) {
      // Inherited members have the comment of the first.
      const key = `${origin}\n${code}`
      if (!found.has(key))
        found.set(key, { name: reflection.getFriendlyFullName(), code, module: moduleText(code, origin, exported) })
    }
  }
  return [...found.values()]
}

function moduleOf(reflection: Reflection): string {
  let each = reflection
  while (each.parent !== undefined && !each.parent.isProject()) each = each.parent
  return each.name
}

function codeOf(comment: Comment | undefined): readonly string[] {
  const texts = (comment?.getTags('@example') ?? []).map(({ content }) => content.map(({ text }) => text).join(''))
  return texts.flatMap((text) => Array.from(text.matchAll(/```ts\n([^]*?)```/g), ([, code = '']) => code))
}

/** Adds the names that the example uses and does not declare: of its own import, or of `troupe`. */
export function moduleText(code: string, origin: string, exported: ReadonlyMap<string, readonly string[]>): string {
  const missing = new Map<string, string[]>()
  const taken = new Set<string>()
  for (const from of new Set([origin, 'troupe'])) {
    for (const name of exported.get(from) ?? []) {
      if (taken.has(name) || !uses(code, name) || declares(code, name)) continue
      taken.add(name)
      missing.set(from, [...(missing.get(from) ?? []), name])
    }
  }
  const imports = [...missing].map(([from, names]) => `import { ${names.map(importOf).join(', ')} } from '${from}'`)
  const application = applications[origin]
  if (application !== undefined && uses(code, 'app') && !declares(code, 'app'))
    imports.push(`declare const app: ${application}`)
  return `${[...imports, code].join('\n')}\nexport {}\n`

  function importOf(name: string): string {
    return /^[A-Z]/.test(name) && !['PolicyScope', 'TestClock', 'TroupeError'].includes(name) ? `type ${name}` : name
  }
}

export function uses(code: string, name: string): boolean {
  return new RegExp(String.raw`(?<![\w'/-]|(?<!\.\.)\.)${name}(?![\w'-]|:)`).test(code)
}

export function declares(code: string, name: string): boolean {
  const one = String.raw`\b(?:const|let|using|function|class|interface|type) ${name}\b`
  const several = String.raw`\b(?:const|import(?: type)?) \{[^}]*\b${name}\b[^}]*\}`
  return new RegExp(`${one}|${several}`).test(code)
}
