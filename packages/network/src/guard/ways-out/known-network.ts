/** Modules that reach the network, and their names that do not. */
import { type KnownNames, words } from './way.ts'

export const network: Readonly<Record<string, KnownNames>> = {
  net: {
    routed: {
      'connections are dialled through the overlay': 'Socket Socket.prototype.connect connect createConnection Stream',
      'servers take their connections from the overlay, where that can listen':
        'Server Server.prototype.listen createServer',
      'the native handle refuses (`EACCES`)': 'Server.prototype._listen2 Server.prototype._setupWorker',
    },
    harmless: words(`
      BlockList.* BoundSocket.prototype.address BoundSocket.prototype.close BoundSocket.prototype.fd
      BoundSocket.prototype.isPipe Server.prototype._emitCloseIfDrained Server.prototype.address
      Server.prototype.close Server.prototype.getConnections Server.prototype.listening Server.prototype.ref
      Server.prototype.unref Socket.prototype._bytesDispatched Socket.prototype._connecting Socket.prototype._destroy
      Socket.prototype._final Socket.prototype._getpeername Socket.prototype._getsockname Socket.prototype._handle
      Socket.prototype._onTimeout Socket.prototype._read Socket.prototype._reset Socket.prototype._unrefTimer
      Socket.prototype._write Socket.prototype._writeGeneric Socket.prototype._writev Socket.prototype.address
      Socket.prototype.bufferSize Socket.prototype.bytesRead Socket.prototype.bytesWritten
      Socket.prototype.destroySoon Socket.prototype.end Socket.prototype.getTypeOfService
      Socket.prototype.localAddress Socket.prototype.localFamily Socket.prototype.localPort Socket.prototype.pause
      Socket.prototype.pending Socket.prototype.read Socket.prototype.readyState Socket.prototype.ref
      Socket.prototype.remoteAddress Socket.prototype.remoteFamily Socket.prototype.remotePort
      Socket.prototype.resetAndDestroy Socket.prototype.resume Socket.prototype.setKeepAlive
      Socket.prototype.setNoDelay Socket.prototype.setTimeout Socket.prototype.setTypeOfService Socket.prototype.unref
      SocketAddress.* _TransferredBoundSocket _TransferredBoundSocket.prototype.address
      _TransferredBoundSocket.prototype.close _TransferredBoundSocket.prototype.fd
      _TransferredBoundSocket.prototype.isPipe _normalizeArgs getDefaultAutoSelectFamily
      getDefaultAutoSelectFamilyAttemptTimeout isIP isIPv4 isIPv6 setDefaultAutoSelectFamily
      setDefaultAutoSelectFamilyAttemptTimeout
    `),
  },
  tls: {
    routed: {
      'connections are dialled through the overlay': 'TLSSocket connect',
      'servers take their connections from the overlay, where that can listen': 'Server createServer',
    },
    harmless: words(`
      SecureContext Server.prototype._getServerData Server.prototype._setServerData Server.prototype.addContext
      Server.prototype.getTicketKeys Server.prototype.setSecureContext Server.prototype.setTicketKeys
      TLSSocket.prototype._destroySSL TLSSocket.prototype._emitTLSError TLSSocket.prototype._finishInit
      TLSSocket.prototype._handleTimeout TLSSocket.prototype._init TLSSocket.prototype._releaseControl
      TLSSocket.prototype._start TLSSocket.prototype._tlsError TLSSocket.prototype._wrapHandle
      TLSSocket.prototype.disableRenegotiation TLSSocket.prototype.enableTrace
      TLSSocket.prototype.exportKeyingMaterial TLSSocket.prototype.getCertificate TLSSocket.prototype.getCipher
      TLSSocket.prototype.getEphemeralKeyInfo TLSSocket.prototype.getFinished TLSSocket.prototype.getPeerCertificate
      TLSSocket.prototype.getPeerFinished TLSSocket.prototype.getPeerX509Certificate TLSSocket.prototype.getProtocol
      TLSSocket.prototype.getSession TLSSocket.prototype.getSharedSigalgs TLSSocket.prototype.getTLSTicket
      TLSSocket.prototype.getX509Certificate TLSSocket.prototype.isSessionReused TLSSocket.prototype.renegotiate
      TLSSocket.prototype.setKeyCert TLSSocket.prototype.setMaxSendFragment TLSSocket.prototype.setServername
      TLSSocket.prototype.setSession checkServerIdentity convertALPNProtocols getCACertificates
      getCertificateCompressionAlgorithms getCiphers rootCertificates setDefaultCACertificates
    `),
  },
  _tls_common: {
    harmless: 'translatePeerCertificate',
  },
  _tls_wrap: {
    routed: {
      'connections are dialled through the overlay': 'TLSSocket connect',
      'servers take their connections from the overlay, where that can listen': 'Server createServer',
    },
    harmless: '',
  },
  http: {
    routed: {
      'connections are dialled through the overlay': words(`
        Agent Agent.prototype.addRequest Agent.prototype.createConnection Agent.prototype.createSocket ClientRequest
        ClientRequest.prototype.onSocket WebSocket get globalAgent request setGlobalProxyFromEnv
      `),
      'servers take their connections from the overlay, where that can listen': 'Server createServer',
    },
    harmless: words(`
      Agent.prototype.destroy Agent.prototype.getName Agent.prototype.keepSocketAlive Agent.prototype.removeSocket
      Agent.prototype.reuseSocket ClientRequest.prototype._deferToConnect ClientRequest.prototype._finish
      ClientRequest.prototype._implicitHeader ClientRequest.prototype.abort ClientRequest.prototype.clearTimeout
      ClientRequest.prototype.destroy ClientRequest.prototype.path ClientRequest.prototype.setNoDelay
      ClientRequest.prototype.setSocketKeepAlive ClientRequest.prototype.setTimeout IncomingMessage.* METHODS
      OutgoingMessage.* STATUS_CODES Server.* ServerResponse.* _connectionListener globalAgent._events
      globalAgent.freeSockets globalAgent.options globalAgent.requests globalAgent.sockets setMaxIdleHTTPParsers
      validateHeaderName.* validateHeaderValue.*
    `),
  },
  _http_agent: {
    routed: {
      'connections are dialled through the overlay': 'Agent globalAgent',
    },
    harmless: '',
  },
  _http_client: {
    routed: {
      'connections are dialled through the overlay': 'ClientRequest',
    },
    harmless: '',
  },
  _http_common: {
    harmless: words(`
      HTTPParser.* _checkInvalidHeaderChar _checkIsHttpToken calculateLenientFlags chunkExpression.*
      continueExpression freeParser isLenient methods parsers.* prepareError
    `),
  },
  _http_incoming: {
    harmless: 'readStart readStop',
  },
  _http_outgoing: {
    harmless: 'parseUniqueHeadersOption',
  },
  _http_server: {
    routed: {
      'servers take their connections from the overlay, where that can listen': 'Server',
    },
    harmless: 'httpServerPreClose setupConnectionsTracking storeHTTPOptions',
  },
  https: {
    routed: {
      'connections are dialled through the overlay': 'Agent Agent.prototype.createConnection get globalAgent request',
      'servers take their connections from the overlay, where that can listen': 'Server createServer',
    },
    harmless: words(`
      Agent.prototype._cacheSession Agent.prototype._evictSession Agent.prototype._getSession Agent.prototype.getName
      Agent.prototype.keepSocketAlive Server.prototype.close globalAgent._events globalAgent._sessionCache
      globalAgent.freeSockets globalAgent.options globalAgent.requests globalAgent.sockets
    `),
  },
  http2: {
    routed: {
      'connections are dialled through the overlay': 'connect',
      'servers take their connections from the overlay, where that can listen': 'createSecureServer createServer',
    },
    harmless: words(`
      Http2ServerRequest.* Http2ServerResponse.* constants getDefaultSettings getPackedSettings getUnpackedSettings
      performServerHandshake
    `),
  },
  dgram: {
    routed: {
      'datagrams ride the overlay, where it carries any':
        'Socket Socket.prototype.bind Socket.prototype.connect ' +
        'Socket.prototype.send Socket.prototype.sendto createSocket',
      'the native handle refuses (`EACCES`)': 'Socket.prototype._handle',
    },
    harmless: words(`
      Socket.prototype._bindState Socket.prototype._healthCheck Socket.prototype._queue Socket.prototype._receiving
      Socket.prototype._reuseAddr Socket.prototype._stopReceiving Socket.prototype.address Socket.prototype.close
      Socket.prototype.disconnect Socket.prototype.dropMembership Socket.prototype.dropSourceSpecificMembership
      Socket.prototype.getRecvBufferSize Socket.prototype.getSendBufferSize Socket.prototype.getSendQueueCount
      Socket.prototype.getSendQueueSize Socket.prototype.ref Socket.prototype.remoteAddress
      Socket.prototype.setBroadcast Socket.prototype.setMulticastInterface Socket.prototype.setMulticastLoopback
      Socket.prototype.setMulticastTTL Socket.prototype.setRecvBufferSize Socket.prototype.setSendBufferSize
      Socket.prototype.setTTL Socket.prototype.unref
    `),
  },
  dns: {
    routed: {
      'an address that stands for the name, until a socket connects to it': 'lookup',
      'the overlay is asked, where it can tell': words(`
        Resolver Resolver.prototype.resolve Resolver.prototype.resolve4 Resolver.prototype.resolve6
        Resolver.prototype.reverse resolve resolve4 resolve6 reverse
      `),
    },
    harmless: 'getServers promises setServers',
  },
  'dns/promises': {
    routed: {
      'an address that stands for the name, until a socket connects to it': 'lookup',
      'the overlay is asked, where it can tell': words(`
        Resolver Resolver.prototype.resolve Resolver.prototype.resolve4 Resolver.prototype.resolve6
        Resolver.prototype.reverse resolve resolve4 resolve6 reverse
      `),
    },
    harmless: 'getDefaultResultOrder getServers setDefaultResultOrder setServers',
  },
}
