/** The application's config: `.troupe.yaml`, further files laid over it, and the values from the command line. */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { invalid } from '@troupe/core'
import type { z } from 'zod'
import { withAbsolutePaths } from './dashboard-section.ts'
import { sections as schema } from './sections.ts'
import { decodeValue } from '../schema/decode.ts'
import { plainCopy } from '../schema/plain-data.ts'
import { formatPath, type Path, type SourcePosition, parsePath } from '../yaml/source-position.ts'
import { type Diagnostic, diagnosticsError } from '../schema/diagnostic.ts'
import { profilesOf, withProfiles } from './profiles.ts'
import {
  emptyMapping,
  keyPositionAt,
  mergeNodes,
  positionAt,
  valueOf,
  withNodeAt,
  type YamlNode,
} from '../yaml/node.ts'
import { configurationSchema, type JsonSchema } from '../schema/json-schema.ts'
import { type ParsedYaml, parseYamlValue, readYamlNow } from '../yaml/parse.ts'

/** Returns the JSON schema of a config file. */
export function configSchema(): JsonSchema {
  return configurationSchema(schema)
}

/** An application's config, as its files write it, in zod's terms. */
export type ConfigInput = z.input<typeof schema>

/** An application's config, with all defaults filled in. Times are milliseconds. */
export interface AppConfig extends Readonly<z.output<typeof schema>> {
  /** Absolute path of the application's folder. */
  readonly root: string
  /** Absolute paths of the files that were read; later files override earlier ones. */
  readonly files: readonly string[]
}

/** The files, profiles and overrides of a config. */
export interface LoadConfigOptions {
  /**
   * Files laid over one another from left to right, relative to the root.
   *
   * @default `.troupe.yaml`, or `.wippy.yaml`, or none
   */
  readonly files?: readonly string[]
  /** Profiles of the config that are laid over it; later profiles override earlier ones. */
  readonly profiles?: readonly string[]
  /** Sections as in a file, laid over all files. */
  readonly sections?: Readonly<Record<string, unknown>>
  /** `section.path=value`, each value read as YAML. They override all files. */
  readonly set?: readonly string[]
}

const trees = new WeakMap<AppConfig, YamlNode>()

/**
 * Reads the config of the application in `root`. Paths are decoded to absolute ones, relative to the folder of the file
 * that names them.
 *
 * @throws TroupeError `NotFound` for a file that cannot be read; `Invalid` with all problems, each with its position.
 */
export async function loadConfig(root: string, options: LoadConfigOptions = {}): Promise<AppConfig> {
  return readConfig(root, options)
}

/** Like {@link loadConfig}, but synchronous: for settings that must be known before anything else happens. */
export function readConfig(root: string, options: LoadConfigOptions = {}): AppConfig {
  const folder = resolve(root)
  const files = (options.files ?? defaultFiles(folder)).map((file) => resolve(folder, file))
  const problems: Diagnostic[] = []
  let whole: YamlNode = emptyMapping({ file: files[0] ?? resolve(folder, '.troupe.yaml'), line: 1, column: 1 })
  for (const file of files) whole = mergeNodes(whole, parseFile(readYamlNow(file), file, problems))
  if (options.sections) whole = mergeNodes(whole, nodeOfSections(options.sections))
  if (problems.length > 0) throw diagnosticsError(problems)
  const profiles = profilesOf(whole)
  for (const profile of profiles.named.values()) decode(profile, folder)
  let tree = withProfiles(profiles, options.profiles ?? [])
  for (const setting of options.set ?? []) tree = withSetting(tree, setting)
  const decoded = decode(tree, folder)
  const { networkService, process, queue, registry, metrics, dashboard, telemetry, cluster } = decoded
  // A path is relative to the folder of the file that names it.
  const resolved = (path: Path, value: string) => {
    const { file } = positionAt(tree, path)
    return resolve(files.includes(file) ? dirname(file) : folder, value)
  }
  const config = Object.freeze({
    ...decoded,
    networkService: {
      ...networkService,
      stateDir: resolved(['network_service', 'state_dir'], networkService.stateDir),
    },
    process: { laterPath: resolved(['process', 'later_path'], process.laterPath) },
    queue: { ...queue, path: resolved(['queue', 'path'], queue.path) },
    registry: {
      ...registry,
      historyPath: resolved(['registry', 'history_path'], registry.historyPath),
      ...(registry.sourceFolders && {
        sourceFolders: registry.sourceFolders.map((path) => resolved(['registry', 'source_folders'], path)),
      }),
    },
    ...(telemetry && { telemetry: { ...telemetry, module: resolved(['telemetry', 'module'], telemetry.module) } }),
    ...(metrics?.tls && {
      metrics: {
        ...metrics,
        tls: {
          cert: resolved(['metrics', 'tls', 'cert'], metrics.tls.cert),
          key: resolved(['metrics', 'tls', 'key'], metrics.tls.key),
        },
      },
    }),
    ...(cluster && {
      cluster: {
        ...cluster,
        ...(cluster.credentials !== undefined && {
          credentials: resolved(['cluster', 'credentials'], cluster.credentials),
        }),
        ...(cluster.tls?.ca !== undefined && { tls: { ca: resolved(['cluster', 'tls', 'ca'], cluster.tls.ca) } }),
      },
    }),
    ...(dashboard && {
      dashboard: withAbsolutePaths(dashboard, (path, value) => resolved(['dashboard', ...path], value)),
    }),
    root: folder,
    files,
  })
  trees.set(config, tree)
  return config
}

/** @throws TroupeError `Invalid` with all problems, each with its position. */
function decode(tree: YamlNode, folder: string): z.output<typeof schema> {
  const { result, faults } = decodeValue(schema, valueOf(tree), [], {
    namespace: undefined,
    folder,
    // The machines of a cluster differ in little else. The variables of other sections belong to entries.
    read: (name) => process.env[name],
    part: 'cluster',
  })
  if (result && faults.length === 0) return result.data
  throw diagnosticsError(
    faults.map(({ code, message, path, atKey }) => ({
      code,
      message,
      path: formatPath(path),
      place: (atKey ? keyPositionAt : positionAt)(tree, path),
    })),
  )
}

/** The position of a part of the config, for errors: `['network_service', 'default_network']`. */
export function configPosition(config: AppConfig, path: Path): SourcePosition | undefined {
  const tree = trees.get(config)
  return tree && positionAt(tree, path)
}

function defaultFiles(folder: string): readonly string[] {
  return ['.troupe.yaml', '.wippy.yaml'].filter((name) => existsSync(resolve(folder, name))).slice(0, 1)
}

function parseFile({ documents, problems: found }: ParsedYaml, file: string, problems: Diagnostic[]): YamlNode {
  problems.push(...found)
  const [node, second] = documents
  if (second) problems.push({ code: 'document', message: 'a config file holds one document', place: second.place })
  if (node && node.type !== 'mapping')
    problems.push({ code: 'document', message: 'expected sections, such as "log:"', place: node.place })
  return node?.type === 'mapping' ? node : emptyMapping({ file, line: 1, column: 1 })
}

function nodeOfSections(sections: Readonly<Record<string, unknown>>): YamlNode {
  // JSON is YAML.
  const node = parseYamlValue(JSON.stringify(plainCopy(sections, 'config')), { file: 'config', line: 1, column: 1 })
  if ('code' in node) throw invalid(`config: ${node.message}`)
  return node
}

function withSetting(tree: YamlNode, setting: string): YamlNode {
  const [name = '', ...rest] = setting.split('=')
  if (name === '' || rest.length === 0)
    throw invalid(`"--set ${name}" is not a setting: expected "--set section.path=value"`)
  const place = { file: `--set ${name}`, line: 1, column: 1 }
  const value = parseYamlValue(rest.join('='), place)
  if ('code' in value) throw invalid(`--set ${name}: ${value.message}`)
  const changed = withNodeAt(tree, parsePath(name), value)
  if (!changed) throw invalid(`--set ${name}: it leads through a value that has no parts`)
  return changed
}
