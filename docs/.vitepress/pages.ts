/** The pages of the site and their order. A page that is in no group fails the build. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

interface Group {
  readonly text: string
  /** Below `docs`, without `.md`. */
  readonly pages: readonly string[]
}

/** What the sidebar of VitePress takes: a group, or a page. */
export interface SidebarItem {
  readonly text: string
  readonly link?: string
  readonly items?: SidebarItem[]
  readonly collapsed?: boolean
}

const groups: readonly Group[] = [
  { text: 'Start', pages: ['README', 'first-hour', 'tutorial', 'tour', 'concepts', 'comparison', 'migration'] },
  {
    text: 'How to',
    pages: [
      ...[
        'README',
        'worker-pool',
        'queue',
        'three-machines',
        'schedule',
        'next-and-nest',
        'tailnet-service',
        'i2p-site',
        'onion-service',
      ],
      ...['tenants', 'plugins', 'tests', 'docker', 'systemd', 'kubernetes'],
    ].map((page) => `how-to/${page}`),
  },
  {
    text: 'Guides',
    pages: [
      ...['exec', 'embedding', 'cli', 'testing', 'values', 'processes', 'supervision', 'functions'],
      ...['queues', 'registry', 'cluster'],
    ],
  },
  { text: 'Networks', pages: ['overlays', 'listening', 'coverage', 'ways-out'] },
  { text: 'HTTP', pages: ['http', 'http-middleware', 'websocket', 'http-client'] },
  { text: 'Operation', pages: ['observability', 'dashboard', 'doctor', 'log', 'diagnostics-channels', 'performance'] },
  { text: 'Security', pages: ['security', 'isolation', 'threat-model', 'promises', 'how-it-is-tested'] },
  { text: 'Reference', pages: ['glossary', ...pagesBelow('reference')] },
  { text: 'API', pages: ['api'] },
  { text: 'Inside', pages: ['decisions/README', 'discoveries/README'] },
]

/** Files of the root of the repository that are pages, with their titles. */
const atRoot = {
  ARCHITECTURE: 'Architecture',
  CONTRIBUTING: 'Contributing',
  SECURITY: 'Report a hole',
  CHANGELOG: 'Changes',
}

const root = join(import.meta.dirname, '../..')

/** The groups of the sidebar. Throws if a page is in none of them, or does not exist. */
export function sidebar(): SidebarItem[] {
  const grouped = new Set(groups.flatMap(({ pages }) => pages))
  for (const page of [...pagesBelow(''), ...pagesBelow('how-to')])
    if (!grouped.has(page)) throw new Error(`docs/${page}.md is in no group of ${import.meta.filename}`)
  return [
    ...groups.map(({ text, pages }) => ({
      text,
      items: [
        ...pages.map((page) => ({ text: titleOf(`docs/${page}.md`), link: `/docs/${page.replace(/README$/, '')}` })),
        ...(text === 'API' ? apiItems() : []),
      ],
    })),
    { text: 'More', items: Object.entries(atRoot).map(([page, text]) => ({ text, link: `/${page}` })) },
  ]
}

const navigation = join(root, 'docs/api/navigation.json')
const apiPages = z.array(
  z.object({
    title: z.string(),
    path: z.string().optional(),
    get children() {
      return apiPages.optional()
    },
  }),
)

/** The pages that `npm run docs:api` makes from the sources: a closed group for each import. */
function apiItems(): SidebarItem[] {
  if (!existsSync(navigation)) throw new Error('the pages of the API are missing: run npm run docs:api')
  return itemsOf(apiPages.parse(JSON.parse(readFileSync(navigation, 'utf8'))))
}

function itemsOf(pages: z.output<typeof apiPages>): SidebarItem[] {
  return pages.map(({ title, path, children }) => ({
    text: title,
    ...(path !== undefined && { link: `/docs/api/${path.replace(/(?:index)?\.md$/, '')}` }),
    ...(children && { items: itemsOf(children) }),
    // A group without a page of its own would be a button with a button in it.
    ...(children && path !== undefined && { collapsed: true }),
  }))
}

/** Whether a path below the root of the repository is a page. */
export function isPage(path: string): boolean {
  return /^(?:[A-Z]+|docs\/[\w/-]+)\.md$/.test(path)
}

function pagesBelow(folder: string): string[] {
  const at = join(import.meta.dirname, '..')
  return globSync(join(folder, '*.md'), { cwd: at })
    .map((file) => file.replace(/\.md$/, ''))
    .toSorted()
}

function titleOf(file: string): string {
  const title = /^# (.+)$/m.exec(readFileSync(join(root, file), 'utf8'))?.[1]
  if (title === undefined) throw new Error(`${file} has no title`)
  return title.replaceAll('`', '')
}
