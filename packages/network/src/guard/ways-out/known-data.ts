/**
 * Modules that only compute, or use only files and streams. A file may be a pipe or a device of this machine; it
 * reaches no other machine. */
import { type KnownNames, words } from './way.ts'

export const data: Readonly<Record<string, KnownNames>> = {
  _stream_duplex: {
    harmless: 'from fromWeb prototype.* toWeb',
  },
  _stream_passthrough: {
    harmless: 'prototype.*',
  },
  _stream_readable: {
    harmless: 'ReadableState.* _fromList from fromWeb prototype toWeb wrap',
  },
  _stream_transform: {
    harmless: 'prototype',
  },
  _stream_wrap: {
    harmless: 'StreamWrap prototype.*',
  },
  _stream_writable: {
    harmless: 'WritableState.* fromWeb prototype.* toWeb',
  },
  assert: {
    harmless: 'prototype',
  },
  'assert/strict': {
    harmless: words(`
      Assert.* AssertionError.* CallTracker.* deepEqual doesNotMatch doesNotReject doesNotThrow equal fail ifError
      match notDeepEqual notEqual ok partialDeepStrictEqual prototype rejects strict throws
    `),
  },
  buffer: {
    harmless: 'SlowBuffer constants isAscii isUtf8 resolveObjectURL transcode',
  },
  console: {
    harmless: words(`
      Console.* _stderrErrorHandler _stdoutErrorHandler _times.* assert clear count countReset createTask debug dir
      dirxml error group groupCollapsed groupEnd info log table time timeEnd timeLog trace warn
    `),
  },
  crypto: {
    harmless: words(`
      Certificate.* Cipheriv.* Decipheriv.* DiffieHellman.* DiffieHellmanGroup ECDH.* Hash.* Hmac.* KeyObject.* Sign.*
      Verify.* X509Certificate.* argon2 argon2Sync checkPrime checkPrimeSync constants.* createCipheriv
      createDecipheriv createDiffieHellman createDiffieHellmanGroup createECDH createHash createHmac createMac
      createPrivateKey createPublicKey createSecretKey createSign createVerify decapsulate diffieHellman encapsulate
      generateKey generateKeyPair generateKeyPairSync generateKeySync generatePrime generatePrimeSync getCipherInfo
      getCiphers getCurves getFips getHashes getMacs getRandomValues hash hkdf hkdfSync parsePKCS12 pbkdf2 pbkdf2Sync
      privateDecrypt privateEncrypt publicDecrypt publicEncrypt randomBytes randomFill randomFillSync randomInt
      randomUUID randomUUIDv7 scrypt scryptSync secureHeapUsed setFips sign subtle timingSafeEqual verify
    `),
  },
  fs: {
    harmless: words(`
      Dir.* Dirent.* ReadStream.* Stats.* Utf8Stream.* WriteStream.* _toUnixTimestamp access accessSync appendFile
      appendFileSync chmod chmodSync chown chownSync close closeSync copyFile copyFileSync cp cpSync createReadStream
      createWriteStream exists existsSync fchmod fchmodSync fchown fchownSync fdatasync fdatasyncSync fstat fstatSync
      fsync fsyncSync ftruncate ftruncateSync futimes futimesSync glob globSync lchown lchownSync link linkSync lstat
      lstatSync lutimes lutimesSync mkdir mkdirSync mkdtemp mkdtempDisposableSync mkdtempSync open openAsBlob
      openAsBlobSync openSync opendir opendirSync promises read readFile readFileSync readSync readdir readdirSync
      readlink readlinkSync readv readvSync realpath.* realpathSync.* rename renameSync rm rmSync rmdir rmdirSync stat
      statSync statfs statfsSync symlink symlinkSync truncate truncateSync unlink unlinkSync unwatchFile utimes
      utimesSync watch watchFile write writeFile writeFileSync writeSync writev writevSync
    `),
  },
  'fs/promises': {
    harmless: words(`
      access appendFile chmod chown constants copyFile cp glob lchmod lchown link lstat lutimes mkdir mkdtemp
      mkdtempDisposable open opendir readFile readdir readlink realpath rename rm rmdir stat statfs symlink truncate
      unlink utimes watch writeFile
    `),
  },
  'node:vfs': {
    harmless:
      'MemoryProvider.* RealFSProvider.* VirtualFileSystem.* VirtualProvider.* ZipProvider.* create registerProvider',
  },
  os: {
    harmless: words(`
      arch availableParallelism constants.* cpus endianness freemem getPriority homedir.* hostname.* loadavg machine
      networkInterfaces platform release setPriority tmpdir totalmem type uptime.* userInfo version
    `),
  },
  'path/posix': {
    harmless:
      'basename dirname extname format isAbsolute join matchesGlob ' +
      'normalize parse posix relative resolve toNamespacedPath win32',
  },
  'path/win32': {
    harmless:
      'basename dirname extname format isAbsolute join matchesGlob normalize parse relative resolve toNamespacedPath',
  },
  punycode: {
    harmless: 'decode encode toASCII toUnicode ucs2.*',
  },
  querystring: {
    harmless: 'escape parse stringify unescape unescapeBuffer',
  },
  readline: {
    harmless: 'Interface.* clearLine clearScreenDown createInterface cursorTo emitKeypressEvents moveCursor promises',
  },
  'readline/promises': {
    harmless: 'Interface.* Readline.* createInterface',
  },
  stream: {
    harmless: words(`
      Duplex.* PassThrough.* Readable.* Stream Transform.* Writable.* _uint8ArrayToBuffer addAbortSignal compose
      destroy duplexPair finished getDefaultHighWaterMark isDestroyed isDisturbed isErrored isReadable isWritable
      pipeline promises prototype.* setDefaultHighWaterMark
    `),
  },
  'stream/consumers': {
    harmless: 'arrayBuffer blob buffer bytes json text',
  },
  'stream/iter': {
    harmless: 'Broadcast.* Share.* Stream.* SyncShare.* fromReadable fromWritable toReadable toReadableSync toWritable',
  },
  'stream/promises': {
    harmless: 'finished pipeline',
  },
  'stream/web': {
    harmless: 'ReadableStreamTee',
  },
  string_decoder: {
    harmless: 'StringDecoder.*',
  },
  timers: {
    harmless: 'promises',
  },
  'timers/promises': {
    harmless: 'scheduler.* setImmediate setInterval setTimeout',
  },
  tty: {
    harmless: 'ReadStream.* WriteStream.* isatty',
  },
  url: {
    harmless: words(`
      Url.* domainToASCII domainToUnicode fileURLToPath fileURLToPathBuffer format parse pathToFileURL resolve
      resolveObject urlToHttpOptions
    `),
  },
  util: {
    harmless: words(`
      MIMEParams.* MIMEType.* _errnoException _exceptionWithHostPort _extend aborted callbackify
      convertProcessSignalToExitCode debounce debug deprecate diff format formatWithOptions getCallSites
      getSystemErrorMap getSystemErrorMessage getSystemErrorName inherits inspect.* isArray isDeepStrictEqual
      markPromiseAsHandled parseArgs parseEnv promisify setTraceSigInt stripVTControlCharacters styleText throttle
      toUSVString transferableAbortController transferableAbortSignal types
    `),
  },
  'util/types': {
    harmless: words(`
      isAnyArrayBuffer isArgumentsObject isArrayBuffer isArrayBufferView isAsyncFunction isBigInt64Array
      isBigIntObject isBigUint64Array isBooleanObject isBoxedPrimitive isCryptoKey isDataView isDate isExternal
      isFloat16Array isFloat32Array isFloat64Array isGeneratorFunction isGeneratorObject isInt16Array isInt32Array
      isInt8Array isKeyObject isMap isMapIterator isModuleNamespaceObject isNativeError isNumberObject isPromise
      isProxy isRegExp isSet isSetIterator isSharedArrayBuffer isStringObject isSymbolObject isTypedArray
      isUint16Array isUint32Array isUint8Array isUint8ClampedArray isWeakMap isWeakSet
    `),
  },
  zlib: {
    harmless: words(`
      BrotliCompress BrotliDecompress Deflate DeflateRaw Gunzip Gzip Inflate InflateRaw Unzip ZipBuffer ZipEntry.*
      ZipFile.* ZstdCompress ZstdDecompress brotliCompress brotliCompressSync brotliDecompress brotliDecompressSync
      codes constants crc32 createBrotliCompress createBrotliDecompress createDeflate createDeflateRaw createGunzip
      createGzip createInflate createInflateRaw createUnzip createZipArchive createZipArchiveSync createZstdCompress
      createZstdDecompress deflate deflateRaw deflateRawSync deflateSync getMaxZipContentSize gunzip gunzipSync gzip
      gzipSync inflate inflateRaw inflateRawSync inflateSync setMaxZipContentSize unzip unzipSync zipFiles
      zstdCompress zstdCompressSync zstdDecompress zstdDecompressSync
    `),
  },
  'zlib/iter': {
    harmless: words(`
      compressBrotli compressBrotliSync compressDeflate compressDeflateSync compressGzip compressGzipSync compressZstd
      compressZstdSync decompressBrotli decompressBrotliSync decompressDeflate decompressDeflateSync decompressGzip
      decompressGzipSync decompressZstd decompressZstdSync
    `),
  },
}
