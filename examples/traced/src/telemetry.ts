/** Sets up the SDK of OpenTelemetry in a thread: spans are sent to OTEL_EXPORTER_OTLP_ENDPOINT. */
import { trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'

trace.setGlobalTracerProvider(
  new TracerProvider({
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), scheduledDelayMillis: 500 })],
  }),
)
