import { describe, expect, it } from 'vitest'
import { parseInvocation } from './invocation.ts'
import { containing } from './testing/matchers.ts'

const common = { root: '.', set: [], overrides: [], verbose: false, json: false }

describe('parseInvocation', () => {
  it('accepts options before and after the command', () => {
    expect(parseInvocation(['--root', 'a', 'list', 'network.*', '--json', '-v'])).toEqual({
      command: 'list',
      kind: 'network.*',
      ...common,
      root: 'a',
      json: true,
      verbose: true,
    })
  })

  it.each([
    [['types'], { out: undefined }],
    [['types', '--out', 'a.d.ts', '--json'], { out: 'a.d.ts', json: true }],
  ])('%j selects the command types', (argv, expected) => {
    expect(parseInvocation(argv)).toEqual({ command: 'types', ...common, ...expected })
  })

  it.each([
    [[], { running: false, pid: undefined }],
    [['--running'], { running: true, pid: undefined }],
    [['--pid', '7'], { running: true, pid: 7 }],
  ])('explain %j chooses the application', (words, expected) => {
    expect(parseInvocation(['explain', 'a', 'b', ...words])).toMatchObject({ command: 'explain', ...expected })
  })

  it('keeps the order of repeated options', () => {
    expect(
      parseInvocation([
        'check',
        '--config',
        'a',
        '--config=b',
        '--set',
        'log.level=info',
        '-o',
        'a:b:c=-1',
        '-o=a:b:d=2',
      ]),
    ).toEqual({
      command: 'check',
      ...common,
      config: ['a', 'b'],
      set: ['log.level=info'],
      overrides: ['a:b:c=-1', '=a:b:d=2'],
    })
  })

  it.each([
    [['run'], { program: undefined, args: [] }],
    [
      ['run', '-v', 'go', '--json', '-x', '--', 'b'],
      { program: { command: 'go' }, args: ['--json', '-x', '--', 'b'], verbose: true },
    ],
    [['run', '--exec', 'app:go', '1', '--exec', '2'], { program: { entry: 'app:go' }, args: ['1', '--exec', '2'] }],
    [['run', '--exec=app:go', '--json'], { program: { entry: 'app:go' }, args: [], json: true }],
    [['run', '--exec', 'app:go', '--', '--json'], { program: { entry: 'app:go' }, args: ['--json'] }],
    [['run', '--watch', 'go', '--watch'], { program: { command: 'go' }, args: ['--watch'] }],
    [['run', 'run', '--help'], { program: { command: 'run' }, args: ['--help'] }],
  ])('leaves the arguments of a command alone: %j', (argv, expected) => {
    expect(parseInvocation(argv)).toEqual({ command: 'run', watch: argv.includes('--watch'), ...common, ...expected })
  })

  it.each([
    [[], { command: 'help' }],
    [['--help'], { command: 'help' }],
    [['help', 'run'], { command: 'help', topic: 'run' }],
    [['run', '-h'], { command: 'help', topic: 'run' }],
    [['check', '--version'], { command: 'version' }],
  ])('%j selects the help or the version', (argv, expected) => {
    expect(parseInvocation(argv)).toEqual(expected)
  })

  it.each([
    [['chek'], 'there is no command "chek"; did you mean "check"?'],
    [['help', 'lst'], 'there is no command "lst"; did you mean "list"?'],
    [['list', '--jsn'], 'there is no option --jsn; did you mean "--json"?'],
    [['list', '-q'], 'there is no option -q'],
    [['check', 'a'], '"troupe check" takes no "a"; --root names another application'],
    [['list', 'a', 'b'], '"troupe list" takes no second "b"'],
    [['check', '--exec', 'a:b'], '--exec belongs to "troupe run"'],
    [['check', '--monitor', 'http://a'], '--monitor belongs to "troupe cluster check"'],
    [['ps', '--follow'], '--follow belongs to "troupe policies"'],
    [['policies', '--by', 'entry'], '--by belongs to "troupe trace" and "troupe flow"'],
    [['list', '--running'], '--running belongs to "troupe explain"'],
    [['list', '--pid', '1'], '--pid belongs to commands for a running application'],
    [['types', 'a'], '"troupe types" takes no "a"; --root names another application'],
    [['list', '--out', 'a'], '--out belongs to "troupe types" and "troupe cluster credentials"'],
    [['ps', '--for', '1s'], '--for belongs to "troupe trace" and "troupe flow"'],
    [['trace', '<2.1>', '--format', 'svg'], '--format takes text, json or mermaid, not "svg"'],
    [['flow', '--by', 'host'], '--by takes entry or process, not "host"'],
    [['check', '--config'], containing('--config')],
    [['check', '--json=yes'], containing('--json')],
  ])('refuses %j', (argv, message: unknown) => {
    expect(() => parseInvocation(argv)).toThrow(expect.objectContaining({ name: 'UsageError', message }))
  })
})
