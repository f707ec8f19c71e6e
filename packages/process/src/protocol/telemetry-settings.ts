/** The section `telemetry` of the configuration, as a thread receives it. */
export interface TelemetrySettings {
  /** URL of the module that sets up an SDK. */
  readonly module: string
  /** Whether requests to services begin a trace if they belong to none. */
  readonly begin: boolean
}
