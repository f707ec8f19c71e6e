/**
 * Paths of routes: `/users/{id}` matches one segment as `id`; `/files/{rest...}` matches the rest of the path, which
 * may be empty; `/files/*` does the same, under the name `*`.
 */
const parameter = /^\{([A-Za-z_]\w*)(\.\.\.)?\}$/

/** Returns whether `text` can be the path of a route. */
export function isPattern(text: string): boolean {
  if (!text.startsWith('/') || text.includes('//') || /[?#\s]/.test(text)) return false
  const segments = text.slice(1).split('/')
  const names = new Set<string>()
  return segments.every((segment, index) => {
    if (segment === '*') return index === segments.length - 1
    if (!/[{}*:]/.test(segment)) return true
    const [, name = '', rest] = parameter.exec(segment) ?? []
    if (name === '' || names.has(name) || (rest !== undefined && index < segments.length - 1)) return false
    names.add(name)
    return true
  })
}

/** Returns a path under a prefix. */
export function joinPaths(prefix: string, path: string): string {
  const base = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix
  return path === '/' && base !== '' ? base : `${base}${path}`
}

/** Returns a pattern in the syntax of hono's routers. */
export function honoPath(pattern: string): string {
  return pattern
    .split('/')
    .map((segment) => {
      if (segment === '*') return ':*{[^]*}'
      const [, name, rest] = parameter.exec(segment) ?? []
      if (name === undefined) return segment
      return rest === undefined ? `:${name}` : `:${name}{[^]*}`
    })
    .join('/')
}

/** Two patterns of one shape match the same requests, whatever the names of their parameters. */
export function shapeOf(pattern: string): string {
  return pattern
    .split('/')
    .map((segment) => {
      if (segment === '*') return '{...}'
      const [, name, rest] = parameter.exec(segment) ?? []
      if (name === undefined) return segment
      return rest === undefined ? '{}' : '{...}'
    })
    .join('/')
}

interface Routed {
  readonly method: string
  readonly path: string
}

/**
 * Sorts specific routes first: a literal segment before a parameter, a parameter before the rest, a method before all
 * methods.
 */
export function bySpecificity(a: Routed, b: Routed): number {
  const [left, right] = [a.path.split('/'), b.path.split('/')]
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = breadth(left[index]) - breadth(right[index])
    if (difference !== 0) return difference
  }
  return Number(a.method === '*') - Number(b.method === '*')
}

function breadth(segment: string | undefined): number {
  if (segment === undefined) return 0
  if (segment === '*' || segment.endsWith('...}')) return 3
  return segment.startsWith('{') ? 2 : 1
}

/** The template of the paths of a folder of files. Its wildcard needs no name, and hono can avoid its slower router. */
export function staticPath(path: string): string {
  return path.endsWith('/') ? `${path}*` : `${path}/*`
}
