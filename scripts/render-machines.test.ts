import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { diagram, type Machine, machines, withDiagram } from './render-machines.ts'

const found = await machines(resolve(import.meta.dirname, '..'))
const service = found.find(({ id }) => id === 'service') as Machine

describe('diagram', () => {
  const lines = diagram(service).split('\n')

  it('begins at the initial state', () => {
    expect(lines.slice(0, 2)).toEqual(['stateDiagram-v2', '  [*] --> Unknown'])
  })

  it('names events, delays, actors, guards and actions', () => {
    expect(lines).toContain('  Unknown --> Failed: START [isBlocked] / block')
    expect(lines).toContain('  Starting --> Running: begin done / up')
    expect(lines).toContain('  Starting --> Failed: begin failed / fail')
    expect(lines).toContain('  Starting --> Exited: after startTimeout [isOver] / abandon, fail')
    expect(lines).toContain('  Running --> Running: after stableThreshold / forget')
    expect(lines).toContain('  Failed --> Starting: after restartDelay')
  })
})

describe('withDiagram', () => {
  it('replaces the text between the markers only', () => {
    const page = 'a\n<!-- machine service -->\nold\n<!-- /machine -->\nb\n'
    const next = withDiagram(page, service)
    expect(next).toMatch(
      /^a\n<!-- machine service -->\n\n```mermaid\nstateDiagram-v2\n[^]*```\n\n<!-- \/machine -->\nb\n$/,
    )
    expect(withDiagram(String(next), service)).toBe(next)
  })

  it('needs markers', () => {
    expect(withDiagram('nothing here', service)).toBeUndefined()
  })
})
