/** The sections of the application's config, with their defaults and what they mean. */
import { z } from 'zod'
import { clusterSection } from './cluster-section.ts'
import { address, dashboardSection, isLoopback, pemFiles } from './dashboard-section.ts'
import { duration, reference } from '../schema/fields.ts'

const metricsSection = z
  .strictObject({
    addr: z
      .string()
      .regex(address, 'expected an address with a port, such as 127.0.0.1:9464')
      .describe('Address of this machine, with its port: `127.0.0.1:9464`.'),
    path: z.string().startsWith('/').default('/metrics').describe('Path of the metrics.'),
    token: z
      .string()
      .min(16, 'expected at least 16 characters')
      .optional()
      .describe('Required where the address is not a loopback address: who scrapes sends it as a bearer token.'),
    tls: pemFiles.optional().describe('Required where the address is not a loopback address: PEM files.'),
    hosts: z
      .array(z.string().min(1))
      .default([])
      .describe('Further names by which it is reached, in the `Host` header.'),
  })
  .refine(({ addr, token, tls }) => isLoopback(addr) || (token !== undefined && tls !== undefined), {
    message: 'outside of this machine, metrics need a token and tls: set both, or listen on 127.0.0.1',
    path: ['addr'],
  })

const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])

/** The sections of a config file. */
export const sections = z.strictObject({
  version: z
    .union([z.string(), z.number()], 'expected text such as "1.0"')
    .optional()
    .describe("Version of the file's format, as in files of entries. Nothing depends on it yet."),
  networkService: z
    .strictObject({
      stateDir: z
        .string()
        .min(1)
        .default('.troupe/net')
        .describe('Folder of the keys and sockets of the application, relative to the file that names it.'),
      defaultNetwork: reference('network.*')
        .optional()
        .describe('The overlay of what chooses none and inherits none. Default: the clear network.'),
      drainTimeout: duration()
        .default(30_000)
        .describe('How long the connections of a replaced or removed overlay may continue.'),
      native: z
        .array(z.string().min(1))
        .default([])
        .describe('Packages whose native addons may load in overlays: the author asserts that they open no sockets.'),
    })
    .prefault({})
    .describe('Overlays.'),
  process: z
    .strictObject({
      laterPath: z.string().min(1).default('.troupe/later.db').describe('The file of durable messages and schedules.'),
    })
    .prefault({})
    .describe('Durable messages and schedules.'),
  queue: z
    .strictObject({
      path: z.string().min(1).default('.troupe/queues.db').describe('The file of jobs.'),
      maxBytes: z
        .int()
        .min(65_536)
        .optional()
        .describe('Its size in bytes beyond which no more jobs are kept. Default: no limit.'),
      synchronous: z
        .enum(['full', 'normal'])
        .default('full')
        .describe('`full`: a power cut loses no job that was published. `normal`: it loses the last ones.'),
    })
    .prefault({})
    .describe('The store of the queues.'),
  security: z
    .strictObject({
      strictMode: z
        .boolean()
        .default(false)
        .describe(
          'Denies the actions of code that has no actor or no policies; otherwise such code is allowed everything.',
        ),
    })
    .prefault({})
    .describe('Policies.'),
  registry: z
    .strictObject({
      history: z
        .enum(['memory', 'sqlite'])
        .default('memory')
        .describe('Where versions are kept: in memory while the application runs, or in a file.'),
      historyPath: z
        .string()
        .min(1)
        .default('.troupe/registry.db')
        .describe('The file of versions, for `history: sqlite`.'),
      sourceFolders: z
        .array(z.string().min(1))
        .optional()
        .describe("Folders other than the application's own in which the modules of entries may be."),
      historyLimit: z.int().min(1).default(1_000).describe('Number of versions that are kept.'),
    })
    .prefault({})
    .describe('Versions of the registry, and where code may be.'),
  shutdown: z
    .strictObject({
      timeout: duration()
        .default(30_000)
        .describe('Maximum time for an orderly stop; services that still run after it are abandoned, and reported.'),
      delay: duration()
        .default(0)
        .describe('How long an application that was asked to stop still works, while it reports that it is not ready.'),
    })
    .prefault({})
    .describe('The orderly stop of the application.'),
  metrics: metricsSection.optional().describe('Where metrics and health are served; nothing is served by default.'),
  dashboard: dashboardSection
    .optional()
    .describe("Where the operator's web page is served; it is not served by default."),
  cluster: clusterSection
    .optional()
    .describe('The cluster that this application is a node of; without it, it is alone.'),
  deadLetters: z
    .strictObject({
      payload: z
        .int()
        .min(0)
        .max(65_536)
        .default(0)
        .describe(
          'Bytes of a message that no process took that are kept, so that it can be sent once more; 0 keeps ' +
            'nothing.',
        ),
    })
    .prefault({})
    .describe('Messages that no process took.'),
  telemetry: z
    .strictObject({
      module: z
        .string()
        .min(1)
        .describe('A module that sets it up, loaded in each thread before other code of the application.'),
      begin: z
        .boolean()
        .default(false)
        .describe('Whether requests to HTTP services begin a trace if they belong to none.'),
    })
    .optional()
    .describe('The SDK of OpenTelemetry by which threads make spans; they make none by default.'),
  log: z
    .strictObject({
      level: logLevel.default('info').describe('The lowest level that is written.'),
      entries: z.record(z.string(), logLevel).default({}).describe('Levels of single entries and overlays, by id.'),
      format: z
        .enum(['auto', 'text', 'json'])
        .default('auto')
        .describe('`text`, or `json` with one record a line. `auto`: text to a terminal, else JSON.'),
    })
    .prefault({})
    .describe('Log lines.'),
})
