/**
 * `20261123T114300Z-00000042.ndjson`: the UTC time at which the segment was begun, for people, and a sequence number,
 * which determines the order. Times never decrease from one name to the next, so that names sort in the order of
 * writing.
 */
const NAME = /^(\d{8}T\d{6}Z)-(\d{8,15})\.(ndjson|crc|damaged)$/

const SEGMENT = '.ndjson'

export function segmentName(options: { now: number; sequence: number; after: string | undefined }): string {
  const time = new Date(options.now).toISOString().replace(/[-:]|\.\d+/g, '')
  const previous = options.after?.slice(0, time.length) ?? ''
  return `${time > previous ? time : previous}-${String(options.sequence).padStart(8, '0')}${SEGMENT}`
}

/**
 * The sequence number in the name of a segment, or of a file that belongs to a segment; undefined for any other name.
 */
export function sequenceOf(name: string): number | undefined {
  const digits = NAME.exec(name)?.[2]
  return digits === undefined ? undefined : Number(digits)
}

/**
 * The time in the name, in milliseconds since the epoch. For a segment of the log: when it was begun, rounded down to the
 * second.
 */
export function timeOf(name: string): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(name)?.map(Number) ?? []
  return Date.UTC(year ?? 1970, (month ?? 1) - 1, day, hour, minute, second)
}

export function isSegmentName(name: string): boolean {
  return name.endsWith(SEGMENT) && NAME.test(name)
}

/** The name of the file with the checksums of the segment's lines. */
export function checksumsName(segment: string): string {
  return segment.slice(0, -SEGMENT.length) + '.crc'
}

/** The name of the file with copies of the segment's damaged bytes. */
export function damagedName(segment: string): string {
  return segment.slice(0, -SEGMENT.length) + '.damaged'
}

/** The name of the segment to which a checksum file belongs; undefined for any other name. */
export function segmentOfChecksums(name: string): string | undefined {
  return name.endsWith('.crc') && NAME.test(name) ? name.slice(0, -'.crc'.length) + SEGMENT : undefined
}
