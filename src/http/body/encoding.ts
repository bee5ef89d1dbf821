import * as zlib from 'node:zlib'

export const ENCODINGS = ['identity', 'gzip', 'deflate', 'br', 'zstd'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** Incompressible bytes grow when they are compressed: gzip's blocks and frame add less than 1/64 and 1 KB. */
const COMPRESSED_GROWTH = 1 / 64
const COMPRESSED_FRAME_BYTES = 1024

/** A zstd frame may ask for a window of gigabytes; the highest ordinary level asks for 8 MiB (RFC 8878, 3.1.1.1.2). */
const ZSTD_WINDOW_LOG_MAX = 23

/** The encoding that a Content-Encoding header names; undefined if the server does not support it. */
export function parseEncoding(header: string | undefined): Encoding | undefined {
  const name = header?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity') return 'identity'
  if (name === 'x-gzip') return 'gzip'
  return ENCODINGS.find(encoding => encoding === name)
}

/** The most bytes on the wire for this many inflated bytes. */
export function onWire(bytes: number, encoding: Encoding): number {
  return encoding === 'identity' ? bytes : bytes + bytes * COMPRESSED_GROWTH + COMPRESSED_FRAME_BYTES
}

export type Inflater = zlib.Gunzip | zlib.Inflate | zlib.InflateRaw | zlib.BrotliDecompress | zlib.ZstdDecompress

/** @param first the first bytes of the body */
export function createInflater(encoding: Encoding, first: Buffer): Inflater {
  switch (encoding) {
    case 'br':
      return zlib.createBrotliDecompress()
    case 'zstd':
      return zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } })
    case 'deflate':
      // RFC 9110 means zlib's format, but some clients send bare deflate: the low half of zlib's first byte is 8.
      return ((first[0] as number) & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()
    default:
      return zlib.createGunzip()
  }
}
