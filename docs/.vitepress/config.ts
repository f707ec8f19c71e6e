/**
 * The site of the documentation: `npm run docs` builds it into `.cache/site`, and needs no network. Its pages are those
 * of this folder and of the root of the repository.
 */
import { join, posix } from 'node:path'
import type { MarkdownOptions } from 'vitepress'
import { withMermaid } from 'vitepress-plugin-mermaid'
import { z } from 'zod'
import { isPage, sidebar } from './pages.ts'

const root = join(import.meta.dirname, '../..')

type Markdown = Parameters<NonNullable<MarkdownOptions['config']>>[0]
const environment = z.object({ relativePath: z.string() })
type Tokens = Parameters<Markdown['renderer']['render']>[0]

export default withMermaid({
  title: 'Troupe',
  description: 'Supervised processes for Node, whose traffic goes where you said, or fails.',
  // Browsers ask for an icon of the site otherwise.
  head: [
    ['link', { rel: 'icon', href: 'data:,' }],
    // The colours of the defaults have too little contrast.
    ['style', {}, '.vp-doc [class*="language-"] > span.lang { color: var(--vp-c-text-2) }'],
    ['style', {}, '.dark .mermaid .edgeLabel p { color: #fff !important }'],
    // Mermaid measures labels without the paragraphs' style of the site, which would cut their last line.
    ['style', {}, '.vp-doc .mermaid p { margin: 0; line-height: inherit }'],
  ],
  srcDir: root,
  srcExclude: ['{examples,node_modules,packages,scripts,test}/**', '.*/**'],
  rewrites: {
    'README.md': 'index.md',
    'docs/README.md': 'docs/index.md',
    'docs/:folder/README.md': 'docs/:folder/index.md',
  },
  outDir: join(root, '.cache/site'),
  cacheDir: join(root, '.cache/vitepress'),
  markdown: {
    config: showFilesAsText,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: 'deep',
    sidebar: sidebar(),
  },
})

/** Pages link to sources and examples, which are not on the site: there, those links are text. */
function showFilesAsText(markdown: Markdown): void {
  markdown.core.ruler.push('files', ({ tokens, env }) => {
    const { relativePath } = environment.parse(env)
    const folder = posix.dirname(relativePath)
    for (const { children } of tokens) if (children !== null) withoutFiles(children, folder)
  })
}

function withoutFiles(tokens: Tokens, folder: string): void {
  let isFile = false
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const [path = ''] = (token.attrGet('href') ?? '').split('#')
      isFile = path !== '' && !path.includes(':') && !isPage(posix.join(folder, path))
    }
    if (isFile && token.type.startsWith('link_')) Object.assign(token, { type: 'text', content: '' })
  }
}
