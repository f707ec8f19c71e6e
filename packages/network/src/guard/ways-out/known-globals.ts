/** Globals that are not part of the language. */
import { type KnownNames, words } from './way.ts'

export const globals: Readonly<Record<string, KnownNames>> = {
  globalThis: {
    routed: {
      'connections are dialled through the overlay': 'EventSource WebSocket fetch',
      'names belong to one network: other networks have channels and locks of their own':
        'BroadcastChannel Navigator.prototype.locks',
    },
    harmless: words(`
      AbortController.* AbortSignal.* Blob.* BroadcastChannel.prototype.close BroadcastChannel.prototype.name
      BroadcastChannel.prototype.onmessage BroadcastChannel.prototype.onmessageerror
      BroadcastChannel.prototype.postMessage BroadcastChannel.prototype.ref BroadcastChannel.prototype.unref Buffer.*
      ByteLengthQueuingStrategy.* CloseEvent.* CompressionStream.* CountQueuingStrategy.* Crypto CryptoKey.*
      CustomEvent.* DOMException.* DecompressionStream.* ErrorEvent.* Event.* EventSource.prototype.close
      EventSource.prototype.onerror EventSource.prototype.onmessage EventSource.prototype.onopen
      EventSource.prototype.readyState EventSource.prototype.url EventSource.prototype.withCredentials EventTarget.*
      File.* FormData.* Headers.* MessageChannel MessageEvent.* MessagePort MessagePort.prototype.close
      MessagePort.prototype.hasRef MessagePort.prototype.onmessage MessagePort.prototype.onmessageerror
      MessagePort.prototype.postMessage MessagePort.prototype.ref MessagePort.prototype.start
      MessagePort.prototype.unref Navigator Navigator.prototype.hardwareConcurrency Navigator.prototype.language
      Navigator.prototype.languages Navigator.prototype.platform Navigator.prototype.userAgent Performance.*
      PerformanceEntry.* PerformanceMark.* PerformanceMeasure.* PerformanceObserver.* PerformanceObserverEntryList.*
      PerformanceResourceTiming.* QuotaExceededError.* ReadableByteStreamController.* ReadableStream.*
      ReadableStreamBYOBReader.* ReadableStreamBYOBRequest.* ReadableStreamDefaultController.*
      ReadableStreamDefaultReader.* Request.* Response.* Storage.* SubtleCrypto.* TextDecoder.* TextDecoderStream.*
      TextEncoder.* TextEncoderStream.* TransformStream.* TransformStreamDefaultController.* URL.* URLPattern.*
      URLSearchParams.* WebSocket.prototype.binaryType WebSocket.prototype.bufferedAmount WebSocket.prototype.close
      WebSocket.prototype.extensions WebSocket.prototype.onclose WebSocket.prototype.onerror
      WebSocket.prototype.onmessage WebSocket.prototype.onopen WebSocket.prototype.protocol
      WebSocket.prototype.readyState WebSocket.prototype.send WebSocket.prototype.url Worker.* WritableStream.*
      WritableStreamDefaultController.* WritableStreamDefaultWriter.* atob btoa clearImmediate clearInterval
      clearTimeout console crypto.* global navigator performance process queueMicrotask sessionStorage setImmediate
      setInterval setTimeout structuredClone
    `),
  },
}
