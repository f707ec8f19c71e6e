/** Modules about the program, its threads and its child processes. */
import { type KnownNames, words } from './way.ts'

export const program: Readonly<Record<string, KnownNames>> = {
  process: {
    routed: {
      'reports show addresses and look up no host names (`excludeNetwork`)':
        'report report.excludeNetwork report.getReport report.writeReport',
    },
    harmless: words(`
      _debugEnd _disconnect _events.* _fatalException _getActiveHandles _getActiveRequests _preload_modules _rawDebug
      _send _startProfilerIdleNotifier _stopProfilerIdleNotifier _tickCallback abort
      addUncaughtExceptionCaptureCallback allowedNodeEnvironmentFlags.* argv availableMemory channel.* chdir config.*
      constrainedMemory cpuUsage cwd disconnect emitWarning env execArgv exit features.* finalization.*
      getActiveResourcesInfo getBuiltinModule getegid geteuid getgid getgroups getuid
      hasUncaughtExceptionCaptureCallback hrtime.* initgroups loadEnvFile memoryUsage.* moduleLoadList nextTick
      openStdin reallyExit ref release report.compact report.directory report.excludeEnv report.filename
      report.reportOnFatalError report.reportOnSignal report.reportOnUncaughtException report.signal resourceUsage
      send setSourceMapsEnabled setUncaughtExceptionCaptureCallback setegid seteuid setgid setgroups setuid stderr.*
      stdin.* stdout.* threadCpuUsage umask unref uptime versions
    `),
  },
  child_process: {
    routed: {
      'the native handle refuses foreign descriptors': '_forkChild',
    },
    harmless: 'ChildProcess ChildProcess.prototype.kill ChildProcess.prototype.ref ChildProcess.prototype.unref',
  },
  cluster: {
    harmless: words(`
      Worker Worker.prototype.destroy Worker.prototype.disconnect Worker.prototype.isConnected Worker.prototype.isDead
      Worker.prototype.kill Worker.prototype.send _events disconnect settings setupPrimary workers
    `),
  },
  worker_threads: {
    routed: {
      'names belong to one network: other networks have channels and locks of their own':
        'BroadcastChannel locks locks.query locks.request',
    },
    harmless: words(`
      Worker.* getEnvironmentData isMarkedAsUntransferable markAsUncloneable markAsUntransferable
      moveMessagePortToContext parentPort receiveMessageOnPort resourceLimits setEnvironmentData
    `),
  },
  inspector: {
    harmless: 'Session Session.prototype.connect Session.prototype.disconnect',
  },
  'inspector/promises': {
    harmless: words(`
      DOMStorage DOMStorage.domStorageItemAdded DOMStorage.domStorageItemRemoved DOMStorage.domStorageItemUpdated
      DOMStorage.domStorageItemsCleared DOMStorage.registerStorage Network Network.dataReceived Network.dataSent
      Network.loadingFailed Network.loadingFinished Network.requestWillBeSent Network.responseReceived
      Network.webSocketClosed Network.webSocketCreated Network.webSocketHandshakeResponseReceived NetworkResources
      NetworkResources.put Session close console.* url waitForDebugger
    `),
  },
  module: {
    routed: {
      'addons are loaded by `process.dlopen`': '_extensions..node _load prototype.load prototype.require createRequire',
    },
    harmless: words(`
      Module SourceMap SourceMap.prototype.findEntry SourceMap.prototype.findOrigin SourceMap.prototype.lineLengths
      SourceMap.prototype.payload _cache _debug _extensions _extensions..js _extensions..json _findPath _initPaths
      _nodeModulePaths _pathCache _preloadModules _readPackage _resolveFilename _resolveLookupPaths _stat
      builtinModules constants constants.compileCacheStatus enableCompileCache findPackageJSON findSourceMap
      flushCompileCache getCompileCacheDir getSourceMapsSupport globalPaths isBuiltin prototype prototype._compile
      prototype.isPreloading prototype.parent registerHooks runMain setSourceMapsSupport stripTypeScriptTypes
      syncBuiltinESMExports wrap wrapper
    `),
  },
  v8: {
    harmless: words(`
      DefaultDeserializer.* DefaultSerializer.* Deserializer.* GCProfiler.* Serializer.* cachedDataVersionTag
      deserialize getCppHeapStatistics getHeapCodeStatistics getHeapSnapshot getHeapSpaceStatistics getHeapStatistics
      isStringOneByteRepresentation promiseHooks.* queryObjects serialize setFlagsFromString
      setHeapProfileNearHeapLimit setHeapSnapshotNearHeapLimit startCpuProfile startHeapProfile startupSnapshot
      startupSnapshot.addDeserializeCallback startupSnapshot.addSerializeCallback startupSnapshot.isBuildingSnapshot
      startupSnapshot.setDeserializeMainFunction stopCoverage takeCoverage writeHeapSnapshot
    `),
  },
  vm: {
    harmless: words(`
      Module.* Script.* SourceTextModule.* SyntheticModule.* compileFunction constants createContext createScript
      isContext measureMemory runInContext runInNewContext runInThisContext
    `),
  },
  wasi: {
    harmless: 'WASI.*',
  },
  repl: {
    harmless: 'REPLServer.* Recoverable builtinModules isValidSyntax start writer.*',
  },
  'node:test': {
    routed: {
      'their processes are child processes, which are refused': 'run',
    },
    harmless: words(`
      after afterEach assert.* before beforeEach describe.* expectFailure getTestContext it mock mock.fn mock.getter
      mock.method mock.property mock.reset mock.restoreAll mock.setter mock.timers only skip snapshot.* todo
    `),
  },
  'node:test/reporters': {
    harmless: 'dot junit lcov spec tap',
  },
  'node:bench': {
    routed: {
      'their processes are child processes, which are refused': 'createRunner run runFile',
    },
    harmless: 'after afterEach before beforeEach bench describe only skip',
  },
  'node:bench/reporters': {
    harmless: 'json spec',
  },
  'node:ffi': {
    harmless: words(`
      DynamicLibrary.* dlclose dlsym exportArrayBuffer exportArrayBufferView exportBuffer exportString
      getCurrentEventLoop getFloat32 getFloat64 getInt16 getInt32 getInt64 getInt8 getRawPointer getUint16 getUint32
      getUint64 getUint8 setFloat32 setFloat64 setInt16 setInt32 setInt64 setInt8 setUint16 setUint32 setUint64
      setUint8 toArrayBuffer toBuffer toString types
    `),
  },
  'node:sqlite': {
    harmless: words(`
      DatabaseSync DatabaseSync.prototype.aggregate DatabaseSync.prototype.applyChangeset DatabaseSync.prototype.close
      DatabaseSync.prototype.createSession DatabaseSync.prototype.createTagStore DatabaseSync.prototype.deserialize
      DatabaseSync.prototype.enableDefensive DatabaseSync.prototype.exec DatabaseSync.prototype.function
      DatabaseSync.prototype.location DatabaseSync.prototype.open DatabaseSync.prototype.prepare
      DatabaseSync.prototype.serialize DatabaseSync.prototype.setAuthorizer Session Session.prototype.changeset
      Session.prototype.close Session.prototype.patchset StatementSync StatementSync.prototype.all
      StatementSync.prototype.close StatementSync.prototype.columns StatementSync.prototype.get
      StatementSync.prototype.iterate StatementSync.prototype.resetStats StatementSync.prototype.run
      StatementSync.prototype.setAllowBareNamedParameters StatementSync.prototype.setAllowUnknownNamedParameters
      StatementSync.prototype.setReadBigInts StatementSync.prototype.setReturnArrays StatementSync.prototype.stat
      backup constants
    `),
  },
  'node:sea': {
    harmless: 'getAsset getAssetAsBlob getAssetKeys getRawAsset isSea',
  },
  trace_events: {
    harmless: 'createTracing getEnabledCategories',
  },
  perf_hooks: {
    harmless: 'constants createHistogram createSlidingWindowHistogram importHistogram monitorEventLoopDelay',
  },
  async_hooks: {
    harmless:
      'AsyncLocalStorage.* AsyncResource.* asyncWrapProviders ' +
      'createHook executionAsyncId executionAsyncResource triggerAsyncId',
  },
  diagnostics_channel: {
    harmless: 'BoundedChannel.* Channel.* boundedChannel channel hasSubscribers subscribe tracingChannel unsubscribe',
  },
  domain: {
    harmless: 'Domain.* _stack createDomain',
  },
  events: {
    harmless: words(`
      EventEmitter EventEmitterAsyncResource.* addAbortListener getEventListeners getMaxListeners init listenerCount
      on once prototype.* setMaxListeners
    `),
  },
}
