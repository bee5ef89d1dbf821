/**
 * One pass over the bytes of a body. It finds where each known member begins and ends, how deep it nests, and whether it needs
 * a closer check. It accepts exactly what JSON.parse accepts, and creates no values.
 *
 * This is AssemblyScript, which scripts/walk-code.ts compiles to WebAssembly. The same walk in JavaScript took more than twice
 * as long, because it reads one byte where this reads sixteen. src/ingest/parse/walker.ts calls it, and
 * src/ingest/parse/scan.ts reads its result.
 *
 * Zero bytes follow the input. They are never part of JSON, so most loops stop there without comparing positions.
 */

const QUOTE: u32 = 0x22
const COMMA: u32 = 0x2c
const COLON: u32 = 0x3a
const OPEN_BRACKET: u32 = 0x5b
const CLOSE_BRACKET: u32 = 0x5d
const OPEN_BRACE: u32 = 0x7b
const CLOSE_BRACE: u32 = 0x7d
const SPACE: u32 = 0x20
const BACKSLASH: u32 = 0x5c
const LINE_FEED: u32 = 0x0a
const CARRIAGE_RETURN: u32 = 0x0d
const TAB: u32 = 0x09
const MINUS: u32 = 0x2d
const PLUS: u32 = 0x2b
const POINT: u32 = 0x2e
const ZERO: u32 = 0x30
const NINE: u32 = 0x39
const LOWER_E: u32 = 0x65
const LOWER_F: u32 = 0x66
const LOWER_U: u32 = 0x75
/** The bit that makes an ASCII letter lower case. */
const CASE: u32 = 0x20

/** The first two bytes of `__proto__` and `constructor`, and their lengths. */
const PROTO_START: u32 = 0x5f5f
const PROTO_LENGTH: usize = 9
const CONSTRUCTOR_START: u32 = 0x6f63
const CONSTRUCTOR_LENGTH: usize = 11

const TRUE: u32 = 0x65757274
const NULL: u32 = 0x6c6c756e
/** The bytes of `false` after the f. */
const ALSE: u32 = 0x65736c61
const ESCAPED_ASCII: u32 = 0x3030755c

/** The bytes of one number of the result. */
const INT: usize = 4
/** Status, position of the error, repeated key, number of elements, index of the whole's record, count of all numbers, last id. */
const HEAD_BYTES: usize = 7 * INT
/** Start, end, depth, flags, number of members. */
const RECORD_BYTES: usize = 5 * INT
/** Start, closing quote of the key, its number, start and end of the value, its kind and depth, its id, its shape. */
const MEMBER_BYTES: usize = 8 * INT
/** Kind and depth share one number; the kind is in its lowest bits. */
const KIND_BITS: i32 = 4

const OK: i32 = 0
const NOT_JSON: i32 = 1
const OVER_LIMIT: i32 = 2

const IS_OBJECT: i32 = 1
const HAS_LINE_BREAKS: i32 = 2
const HAS_SUSPECT_KEYS: i32 = 4
const IS_SOUND: i32 = 8

/** Kinds of values. */
const STRING_ESCAPED: i32 = 0
/** A string that is not empty and has no escapes: the bytes between the quotes are its text. */
const STRING_PLAIN: i32 = 1
const STRING_EMPTY: i32 = 2
const NUMBER: i32 = 3
const BOOLEAN: i32 = 4
const IS_NULL: i32 = 5
const OBJECT: i32 = 6
const ARRAY: i32 = 7
const ARRAY_EMPTY: i32 = 8

/** What to compute for the values of a key: an id, a shape, a shape only in page events. IS_TYPE marks the event's type. */
const HAS_ID: i32 = 1
const HAS_SHAPE: i32 = 2
const HAS_SHAPE_IN_PAGES: i32 = 4
const IS_TYPE: i32 = 8
/** The key has few different values, which keep their ids also after other values. */
const IS_REMEMBERED: i32 = 16

/** The bytes of `"library` and of `page`. */
const LIBRARY: u64 = 0x7972617262696c22
const PAGE: u32 = 0x65676170
/** The bytes of a shape for a text, an empty text, a whole number and any other number. A literal is its first letter. */
const SOME_TEXT: u8 = 0x73
const EMPTY_TEXT: u8 = 0x65
const WHOLE_NUMBER: u8 = 0x69
const FRACTION: u8 = 0x64
/** A number with at most so many characters is exact as a double. */
const MAX_EXACT_CHARS: usize = 15
const HASH_FACTOR: u64 = 0x9e3779b97f4a7c15

const UNKNOWN: i32 = -1
const UNKNOWN_ESCAPED: i32 = -2
const NONE: i32 = -1

/** The bytes for one known key in KEYS: its length, then its bytes. */
const KEY_ROOM: usize = 32
const KEYS = memory.data(32 * 32)
/** A hash table of keys by length and first byte. SLOTS: 1 + the number of the last key of a slot; BEFORE: the previous one. */
const SLOTS = memory.data(1024)
const BEFORE = memory.data(32)
/** The members of an envelope, until the records of its events are written. */
const ENVELOPE = memory.data(20 + 32 * 32)
/** By number of a key: what to compute for its values; the id, the shape and the length of its last value. */
const WALK_HINTS = memory.data(32)
const LAST_ID = memory.data(32 * 4)
const LAST_SHAPE = memory.data(32 * 4)
const LAST_LENGTH = memory.data(32 * 4)
const DECODED = memory.data(32)

const PAGE_BYTES: usize = 65536
/** The zero bytes after an input: more than the widest read beyond a position. */
const PADDING: usize = 32
/** By number of a key: the bytes of its last value, up to VALUE_ROOM. */
const LAST_VALUES: usize = (__heap_base + 15) & ~15
const VALUE_ROOM: usize = 4096
/** A cache of texts with ids: length and id, then the text. A text can be in one of two places. */
const TEXTS: usize = LAST_VALUES + 32 * VALUE_ROOM
const TEXT_PLACE_BYTES: usize = 1024
const TEXT_PLACES: usize = 256
/** A longer text gets no stable id. The limit leaves space for the bytes that the widest store writes beyond a text. */
const MAX_TEXT_BYTES: usize = TEXT_PLACE_BYTES - 8 - 16
/** The text whose id is looked up. */
const TEXT: usize = TEXTS + TEXT_PLACES * TEXT_PLACE_BYTES
const INPUT: usize = TEXT + TEXT_PLACE_BYTES

let keys: usize = 0
let longestKey: usize = 0

/** The difference between an address and its position in the body. */
let origin: usize = 0
let end: usize = 0
let at: usize = 0
/** Where the next record is written. */
let out: usize = 0
let failedAt: usize = 0

/** Whether values are validated. Otherwise only their ends are found. */
let strict: bool = true
/** Whether the object being walked is an envelope. */
let expand: bool = false
let maxDepth: i32 = 0
let limit: i32 = 0
let elements: i32 = NONE
let repeatedKey: i32 = NONE
let isOverLimit: bool = false
let seenKeys: u32 = 0

/** The levels of nesting that were walked since this was set to 0. */
let deepest: i32 = 0
/** Whether there were line breaks between tokens. */
let lineBreaks: bool = false
/** Whether a key may be __proto__ or constructor, plain or escaped. */
let suspectKeys: bool = false
/** Whether the string that was walked last contains a backslash. */
let escaped: bool = false
/** The address of the closing quote of the last key. */
let keyEnd: usize = 0

/** Reserves memory for an input of `length` bytes. Returns the address for the input. */
export function room(length: usize): usize {
  reserve(INPUT + length + PADDING)
  return INPUT
}

/**
 * Adds a known key, which gets the next number. Its bytes are at the address for an input.
 *
 * @param hints what to compute for values of this key in events: a sum of HAS_ID, HAS_SHAPE and so on
 */
export function addKey(length: usize, hints: i32): void {
  const key = KEYS + keys * KEY_ROOM
  store<u8>(key, <u8>length)
  memory.copy(key + 1, INPUT, length)
  const slot = slotOf(INPUT, length)
  store<u8>(BEFORE + keys, load<u8>(slot))
  store<u8>(WALK_HINTS + keys, <u8>hints)
  keys++
  store<u8>(slot, <u8>keys)
  if (length > longestKey) longestKey = length
}

/**
 * Walks an input that must be one object. Returns the address of the result: the head, then the object's record.
 *
 * @param base the position of the input in the body
 * @param levels the most levels of nesting
 * @param isEvent whether values get ids and shapes
 */
export function walkObject(length: usize, base: usize, levels: i32, isEvent: bool): usize {
  const head = begin(length, base, levels)
  givesIds = isEvent
  if (whole()) return finish(head, OK, head + HEAD_BYTES)
  begin(length, base, levels)
  strict = false
  const isObject = whole()
  strict = true
  return finish(head, isObject ? OK : NOT_JSON, head + HEAD_BYTES)
}

/** As walkObject(), for an object and the elements of its `batch`. The result is the head, the elements' records, and its own. */
export function walkEnvelope(length: usize, base: usize, levels: i32, maxElements: i32): usize {
  const head = begin(length, base, levels)
  limit = maxElements
  expand = true
  givesIds = true
  const records = out
  out = ENVELOPE
  stream = records
  const isObject = whole()
  expand = false
  const bytes = out - ENVELOPE
  out = stream
  if (!isObject) return finish(head, isOverLimit ? OVER_LIMIT : NOT_JSON, out)
  reserve(out + bytes)
  memory.copy(out, ENVELOPE, bytes)
  out += bytes
  return finish(head, OK, out - bytes)
}

/** The address for the next record of an element, while the envelope's members are written. */
let stream: usize = 0

function begin(length: usize, base: usize, levels: i32): usize {
  end = INPUT + length
  memory.fill(end, 0, PADDING)
  at = INPUT
  origin = INPUT - base
  maxDepth = levels
  elements = NONE
  repeatedKey = NONE
  seenKeys = 0
  isOverLimit = false
  lineBreaks = false
  suspectKeys = false
  const head = (end + PADDING + 15) & ~15
  out = head + HEAD_BYTES
  reserve(out)
  return head
}

function finish(head: usize, status: i32, record: usize): usize {
  store<i32>(head, status)
  store<i32>(head, <i32>(failedAt - origin), 1 * INT)
  store<i32>(head, repeatedKey, 2 * INT)
  store<i32>(head, elements, 3 * INT)
  store<i32>(head, <i32>((record - head) / INT), 4 * INT)
  store<i32>(head, <i32>((out - head) / INT), 5 * INT)
  store<i32>(head, lastId, 6 * INT)
  return head
}

/** The end of the memory. */
let reach: usize = 0

/** Ensures that the memory reaches up to `address`. Traps if the system has no more. */
function reserve(address: usize): void {
  if (address > reach) grow(address)
}

function grow(address: usize): void {
  const pages = (address + PAGE_BYTES - 1) / PAGE_BYTES
  const have = <usize>memory.size()
  if (pages > have) {
    const wanted = max<usize>(pages - have, have / 2)
    if (memory.grow(<i32>wanted) < 0 && memory.grow(<i32>(pages - have)) < 0) unreachable()
  }
  reach = <usize>memory.size() * PAGE_BYTES
}

function fail(position: usize): bool {
  failedAt = position
  return false
}

/** As fail(), for functions that return a position: 0 means none. */
function failAt(position: usize): usize {
  failedAt = position
  return 0
}

function whole(): bool {
  skipSpace()
  if (load<u8>(at) != OPEN_BRACE) return fail(at)
  if (!object()) return false
  skipSpace()
  return at == end || fail(at)
}

/** Walks the object at the position, and writes its record and members. */
function object(): bool {
  const record = out
  const start = at
  const outerLineBreaks = lineBreaks
  const outerSuspectKeys = suspectKeys
  let most = 0
  reserve(out + RECORD_BYTES)
  out += RECORD_BYTES
  lineBreaks = false
  suspectKeys = false
  isPage = false
  shapedInPages = 0
  at++
  skipSpace()
  if (load<u8>(at) == CLOSE_BRACE) at++
  else {
    while (true) {
      if (!member()) return false
      if (deepest > most) most = deepest
      if (load<u8>(at) <= SPACE) skipSpace()
      const next: u32 = load<u8>(at)
      if (next != COMMA && next != CLOSE_BRACE) return fail(at)
      at++
      if (next == CLOSE_BRACE) break
      if (load<u8>(at) <= SPACE) skipSpace()
    }
  }
  // Not for an envelope, because these variables are those of its last event.
  if (isPage && !expand && shapedInPages != 0) {
    const valueEnd = origin + load<u32>(shapedInPages, 4 * INT)
    store<i32>(shapedInPages, shapeOf(origin + load<u32>(shapedInPages, 3 * INT), valueEnd), 7 * INT)
  }
  const flags = IS_OBJECT | (suspectKeys ? HAS_SUSPECT_KEYS : 0)
  writeRecord(record, start, most + 1, flags)
  lineBreaks = lineBreaks || outerLineBreaks
  suspectKeys = suspectKeys || outerSuspectKeys
  return true
}

function writeRecord(record: usize, start: usize, depth: i32, flags: i32): void {
  store<u32>(record, <u32>(start - origin))
  store<u32>(record, <u32>(at - origin), 1 * INT)
  store<i32>(record, depth, 2 * INT)
  store<i32>(record, flags | (lineBreaks ? HAS_LINE_BREAKS : 0) | (strict ? IS_SOUND : 0), 3 * INT)
  store<u32>(record, <u32>((out - record - RECORD_BYTES) / MEMBER_BYTES), 4 * INT)
}

function member(): bool {
  const start = at
  const valueStart = key(start)
  if (valueStart == 0) return false
  at = valueStart
  const end = keyEnd
  const number = keyNumber(start + 1, end)
  const isKept = !expand || isFirst(number)
  const isString = load<u8>(at) == QUOTE
  deepest = 0
  escaped = false
  const isWalked = expand && isKept && number == batchKey && load<u8>(at) == OPEN_BRACKET ? batch() : value()
  if (!isWalked) return false
  if (!isKept) return true
  reserve(out + MEMBER_BYTES)
  store<u32>(out, <u32>(start - origin))
  store<u32>(out, <u32>(end - origin), 1 * INT)
  store<i32>(out, number, 2 * INT)
  store<u32>(out, <u32>(valueStart - origin), 3 * INT)
  store<u32>(out, <u32>(at - origin), 4 * INT)
  store<i32>(out, (deepest << KIND_BITS) | kindOf(valueStart, isString && escaped), 5 * INT)
  const hints: i32 = givesIds && !expand && number >= 0 ? load<u8>(WALK_HINTS + number) : 0
  store<u64>(out, hints == 0 ? 0 : idAndShape(number, hints, valueStart), 6 * INT)
  out += MEMBER_BYTES
  return true
}

/** The kind of the value that begins at `start` and ends at the position. */
function kindOf(start: usize, hasEscapes: bool): i32 {
  switch (load<u8>(start)) {
    case 0x22: // "
      return hasEscapes ? STRING_ESCAPED : at - start == 2 ? STRING_EMPTY : STRING_PLAIN
    case 0x7b: // {
      return OBJECT
    case 0x5b: // [
      return isEmptyArray(start) ? ARRAY_EMPTY : ARRAY
    case 0x6e: // n
      return IS_NULL
    case 0x74: // t
    case 0x66: // f
      return BOOLEAN
    default:
      return NUMBER
  }
}

function isEmptyArray(start: usize): bool {
  let p = start + 1
  while (load<u8>(p) <= SPACE && p < at) p++
  return load<u8>(p) == CLOSE_BRACKET
}

/** The last id that was assigned. */
let lastId: i32 = 0
/** Whether the objects being walked are events, except an envelope. */
let givesIds: bool = false
/** Whether the type of the event is page, and the address of its member whose value gets a shape in that case. */
let isPage: bool = false
let shapedInPages: usize = 0

/**
 * The id and, in the upper half, the shape of the value of the member that is written next. The value begins at `start` and
 * ends at the position. If its bytes equal those of the key's last value, in this or an earlier body, it has the same id and
 * shape: many events share these values.
 */
function idAndShape(number: i32, hints: i32, start: usize): u64 {
  const length = at - start
  if ((hints & IS_TYPE) != 0) isPage = length == 6 && load<u32>(start + 1) == PAGE
  if ((hints & HAS_SHAPE_IN_PAGES) != 0) shapedInPages = out
  if ((hints & HAS_ID) == 0 || length > VALUE_ROOM) return 0
  const index = <usize>number * INT
  const last = LAST_VALUES + <usize>number * VALUE_ROOM
  if (load<u32>(LAST_LENGTH + index) != <u32>length || !hasSameBytes(last, start, length)) {
    memory.copy(last, start, length)
    store<u32>(LAST_LENGTH + index, <u32>length)
    store<i32>(LAST_ID + index, (hints & IS_REMEMBERED) != 0 ? idOf(start, length) : ++lastId)
    store<i32>(LAST_SHAPE + index, (hints & HAS_SHAPE) != 0 ? shapeOf(start, at) : 0)
  }
  return <u64>load<u32>(LAST_ID + index) | ((<u64>load<u32>(LAST_SHAPE + index)) << 32)
}

/** The id of these bytes: the same as before while they are in the cache, otherwise a new one. */
function idOf(start: usize, length: usize): i32 {
  const end = put(TEXT, start, length)
  return end == 0 ? ++lastId : idOfText(end)
}

/** The id of the bytes from TEXT to `end`. */
function idOfText(end: usize): i32 {
  const length = end - TEXT
  store<u64>(end, 0)
  let hash = <u64>length
  for (let i: usize = 0; i < length; i += 8) {
    hash = (hash ^ load<u64>(TEXT + i)) * HASH_FACTOR
    hash ^= hash >> 32
  }
  const place = TEXTS + (<usize>hash & (TEXT_PLACES - 2)) * TEXT_PLACE_BYTES
  const next = place + TEXT_PLACE_BYTES
  if (isAt(place, length)) return load<i32>(place + 4)
  if (isAt(next, length)) return load<i32>(next + 4)
  memory.copy(next, place, TEXT_PLACE_BYTES)
  memory.copy(place + 8, TEXT, length)
  store<u32>(place, <u32>length)
  store<i32>(place + 4, ++lastId)
  return lastId
}

/** Whether this place of the cache has the bytes at TEXT. */
function isAt(place: usize, length: usize): bool {
  return load<u32>(place) == <u32>length && hasSameBytes(place + 8, TEXT, length)
}

/** Copies bytes to `to`, an address after TEXT. Returns the address after them, or 0 if they do not fit. */
function put(to: usize, from: usize, length: usize): usize {
  if (to + length > TEXT + MAX_TEXT_BYTES) return 0
  for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i))
  return to + length
}

/**
 * The shape of an object: a number that two objects share only if they have the same keys, byte by byte and in the same order,
 * and values of the same kinds, at all levels. Strings differ by whether they are empty. Numbers differ by whether they are
 * whole; all their bytes are compared if that needs a computation. All bytes of texts and numbers in `library` are compared
 * too, because they identify the SDK. 0 means no shape: the object is long, is no object, or has keys with escapes.
 *
 * For bytes that are not JSON, the result means nothing. Nothing is read beyond `end` and the padding.
 */
function shapeOf(start: usize, end: usize): i32 {
  if (load<u8>(start) != OPEN_BRACE) return 0
  let to = TEXT
  let level = 0
  let isLibrary = false
  let p = start
  while (p < end) {
    if (to >= TEXT + MAX_TEXT_BYTES) return 0
    const byte: u32 = load<u8>(p)
    if (byte == QUOTE) {
      escaped = false
      const behind = string(p)
      if (behind == 0) return 0
      const next = space(behind)
      const isKey = load<u8>(next) == COLON
      if (isKey && escaped) return 0
      if (isKey && level == 1) isLibrary = behind - p == 9 && load<u64>(p) == LIBRARY
      if (isKey || isLibrary) to = put(to, p, behind - p)
      else store<u8>(to++, behind - p == 2 ? EMPTY_TEXT : SOME_TEXT)
      p = isKey ? next + 1 : next
    } else if (byte == OPEN_BRACE || byte == OPEN_BRACKET) {
      level++
      store<u8>(to++, <u8>byte)
      p++
    } else if (byte == CLOSE_BRACE || byte == CLOSE_BRACKET) {
      level--
      store<u8>(to++, <u8>byte)
      p++
    } else if (byte == MINUS || isDigit(byte)) {
      const behind = number(p)
      if (behind == 0) return 0
      const kind = isLibrary ? 0 : kindOfNumber(p, behind)
      if (kind == 0) to = put(to, p, behind - p)
      // A comma ends a number whose bytes were copied. It has no other use in a shape.
      if (to != 0) store<u8>(to++, kind == 0 ? <u8>COMMA : kind)
      p = behind
    } else if (byte <= SPACE || byte == COMMA) p++
    else {
      store<u8>(to++, <u8>byte)
      p += byte == LOWER_F ? 5 : 4
    }
    if (to == 0) return 0
  }
  return idOfText(to)
}

/** WHOLE_NUMBER or FRACTION if that is clear without computing the value; otherwise 0. */
function kindOfNumber(start: usize, end: usize): u8 {
  if (end - start > MAX_EXACT_CHARS) return 0
  let kind = WHOLE_NUMBER
  for (let p = start; p < end; p++) {
    const byte: u32 = load<u8>(p)
    if ((byte | CASE) == LOWER_E) return 0
    if (byte == POINT) kind = FRACTION
  }
  return kind == FRACTION && load<u8>(end - 1) == ZERO ? 0 : kind
}

function hasSameBytes(a: usize, b: usize, length: usize): bool {
  if (length < 16) return areSame(a, b, length)
  const last = length - 16
  for (let i: usize = 0; i < last; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false
  }
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)))
}

/** The number of the key `batch`, whose elements get records of their own. */
let batchKey: i32 = NONE

export function setBatchKey(number: i32): void {
  batchKey = number
}

/** Whether the key of an envelope is known and appears for the first time. */
function isFirst(number: i32): bool {
  if (number < 0) return false
  const bit: u32 = 1 << number
  if ((seenKeys & bit) != 0) repeatedKey = number
  const isNew = (seenKeys & bit) == 0
  seenKeys |= bit
  return isNew
}

/** Walks the array at the position, with a record for each element. */
function batch(): bool {
  const outer = out
  out = stream
  expand = false
  elements = 0
  const isWalked = fill()
  expand = true
  stream = out
  out = outer
  return isWalked
}

function fill(): bool {
  at++
  skipSpace()
  if (load<u8>(at) == CLOSE_BRACKET) {
    at++
    return true
  }
  while (true) {
    if (elements == limit) {
      isOverLimit = true
      return false
    }
    if (!element()) return false
    elements++
    skipSpace()
    const next: u32 = load<u8>(at)
    if (next != COMMA && next != CLOSE_BRACKET) return fail(at)
    at++
    if (next == CLOSE_BRACKET) return true
    skipSpace()
  }
}

/** Walks an element. One that is not JSON ends where its braces end, or before the next comma. */
function element(): bool {
  const start = at
  const record = out
  const outerLineBreaks = lineBreaks
  const outerSuspectKeys = suspectKeys
  const isObject = load<u8>(at) == OPEN_BRACE
  if (isObject ? object() : other()) return true
  strict = false
  for (let tries = isObject ? 2 : 1; tries > 0; tries--) {
    at = start
    out = record
    lineBreaks = outerLineBreaks
    suspectKeys = outerSuspectKeys
    const isWalked = tries == 2 ? object() : other()
    if (!isWalked) continue
    strict = true
    return true
  }
  strict = true
  return false
}

/** Walks an element that is no object, or an object whose braces do not match. */
function other(): bool {
  const record = out
  const start = at
  const outerLineBreaks = lineBreaks
  reserve(out + RECORD_BYTES)
  out += RECORD_BYTES
  lineBreaks = false
  deepest = 0
  if (!value()) return false
  writeRecord(record, start, deepest, 0)
  lineBreaks = lineBreaks || outerLineBreaks
  return true
}

function value(): bool {
  const behind = strict ? strictValue(at) : passOver(at, 1)
  if (behind != 0) at = behind
  return behind != 0
}

/** The position after the value that begins at `p`; 0 if it is not valid. */
function strictValue(p: usize): usize {
  const byte: u32 = load<u8>(p)
  if (byte == QUOTE) return string(p)
  return byte == OPEN_BRACE || byte == OPEN_BRACKET ? container(p) : scalar(p)
}

/**
 * The same for a value that may hold others. Not by recursion: a position that stays in a register, and a bit for each
 * open level that says whether it is an object, make this twice as fast.
 */
function container(p: usize): usize {
  let objects: u64 = 0
  let level: i32 = 0
  while (true) {
    const byte: u32 = load<u8>(p)
    if (byte == QUOTE) p = string(p)
    else if (byte != OPEN_BRACE && byte != OPEN_BRACKET) p = scalar(p)
    // Deeper than the limit, so it will be refused: find its end and count its levels.
    else if (level == maxDepth) p = passOver(p, level + 1)
    else {
      level++
      if (level > deepest) deepest = level
      objects = (objects << 1) | <u64>(byte == OPEN_BRACE)
      p = space(p + 1)
      const next: u32 = load<u8>(p)
      if (byte == OPEN_BRACKET && next != CLOSE_BRACKET) continue
      if (byte == OPEN_BRACE && next != CLOSE_BRACE) {
        p = key(p)
        if (p == 0) return 0
        continue
      }
    }
    if (p == 0) return 0
    while (true) {
      if (level == 0) return p
      p = space(p)
      const next: u32 = load<u8>(p)
      const isObject = (objects & 1) != 0
      if (next == COMMA) {
        p = space(p + 1)
        if (isObject) p = key(p)
        if (p == 0) return 0
        break
      }
      if (next != (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return failAt(p)
      p++
      level--
      objects >>= 1
    }
  }
}

function skipSpace(): void {
  at = space(at)
}

/** The position after the white space at `p`, if there is any. */
function space(p: usize): usize {
  return load<u8>(p) > SPACE ? p : longSpace(p)
}

function longSpace(p: usize): usize {
  while (true) {
    const byte: u32 = load<u8>(p)
    if (byte == LINE_FEED || byte == CARRIAGE_RETURN) lineBreaks = true
    else if (byte != SPACE && byte != TAB) return p
    p++
  }
}

/** Reads a key at `start` and the colon. Returns the position of the value; 0 if there is no key or no colon. */
function key(start: usize): usize {
  if (load<u8>(start) != QUOTE) return failAt(start)
  escaped = false
  let p = string(start)
  if (p == 0) return 0
  keyEnd = p - 1
  const length = keyEnd - start - 1
  const first: u32 = load<u16>(start + 1)
  if (length == PROTO_LENGTH && first == PROTO_START) suspectKeys = true
  else if (length == CONSTRUCTOR_LENGTH && first == CONSTRUCTOR_START) suspectKeys = true
  else if (escaped) suspectEscapes(start, keyEnd)
  p = space(p)
  if (load<u8>(p) != COLON) return failAt(p)
  return space(p + 1)
}

/** Sets suspectKeys for an ASCII letter written as \u00XX, the only way to hide a forbidden key. */
function suspectEscapes(start: usize, end: usize): void {
  for (let p = start; p < end; p++) {
    if (load<u8>(p) != BACKSLASH) continue
    if (load<u32>(p) == ESCAPED_ASCII) suspectKeys = true
    p++
  }
}

/** The position after the string that begins at `start`; 0 if it is not valid. Sets `escaped` if it contains a backslash. */
function string(start: usize): usize {
  let p = start + 1
  while (true) {
    const bytes = v128.load(p)
    const quotes = i8x16.eq(bytes, i8x16.splat(<i8>QUOTE))
    const backslashes = i8x16.eq(bytes, i8x16.splat(<i8>BACKSLASH))
    const controls = i8x16.lt_u(bytes, i8x16.splat(<i8>SPACE))
    const found = i8x16.bitmask(v128.or(v128.or(quotes, backslashes), controls))
    if (found == 0) {
      p += 16
      continue
    }
    p += ctz(found)
    const byte: u32 = load<u8>(p)
    if (byte == QUOTE) return p + 1
    if (byte != BACKSLASH) return failAt(p < end ? p : start)
    escaped = true
    const length = escapeLength(p + 1)
    if (length == 0) return 0
    p += length + 1
  }
}

/** The bytes of the escape after the backslash before `p` (RFC 8259, section 7); 0 and a failure if it is not valid. */
function escapeLength(p: usize): usize {
  switch (load<u8>(p)) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 1
    case 0x75: {
      // u
      for (let digit = p + 1; digit <= p + 4; digit++) {
        if (!isHex(load<u8>(digit))) {
          fail(digit)
          return 0
        }
      }
      return 5
    }
    default:
      fail(p)
      return 0
  }
}

/** The position after the number or the literal that begins at `p`; 0 if there is none. */
function scalar(p: usize): usize {
  const first: u32 = load<u8>(p)
  return first == MINUS || isDigit(first) ? number(p) : literal(p)
}

function number(p: usize): usize {
  if (load<u8>(p) == MINUS) p++
  if (load<u8>(p) == ZERO) p++
  else {
    p = digits(p)
    if (p == 0) return 0
  }
  if (load<u8>(p) == POINT) {
    p = digits(p + 1)
    if (p == 0) return 0
  }
  if ((load<u8>(p) | CASE) != LOWER_E) return p
  p++
  if (load<u8>(p) == PLUS || load<u8>(p) == MINUS) p++
  return digits(p)
}

/** The position after the digits at `p`; 0 if there is none. */
function digits(p: usize): usize {
  if (!isDigit(load<u8>(p))) return failAt(p)
  while (isDigit(load<u8>(p))) p++
  return p
}

function literal(p: usize): usize {
  const word = load<u32>(p)
  if (word == TRUE || word == NULL) return p + 4
  return load<u8>(p) == LOWER_F && load<u32>(p + 1) == ALSE ? p + 5 : failAt(p)
}

/** As strictValue(), but only finds the end of the value and does not validate it, because it will be refused anyway. */
function passOver(start: usize, level: i32): usize {
  const first: u32 = load<u8>(start)
  if (first != QUOTE && first != OPEN_BRACE && first != OPEN_BRACKET) return passOverScalar(start)
  let depth = level - 1
  for (let p = start; p < end; p++) {
    const byte: u32 = load<u8>(p)
    if (byte == QUOTE) {
      const closing = closingQuote(p)
      if (closing == 0) return failAt(p)
      p = closing
    } else if (byte == OPEN_BRACE || byte == OPEN_BRACKET) {
      if (++depth > deepest) deepest = depth
    } else if (byte == CLOSE_BRACE || byte == CLOSE_BRACKET) depth--
    else if (byte == LINE_FEED || byte == CARRIAGE_RETURN) lineBreaks = true
    if (depth < level) return p + 1
  }
  return failAt(start)
}

/** The position of the closing quote; 0 if there is none. */
function closingQuote(start: usize): usize {
  for (let p = start + 1; p < end; p++) {
    const byte: u32 = load<u8>(p)
    if (byte == QUOTE) return p
    if (byte == BACKSLASH) p++
  }
  return 0
}

function passOverScalar(start: usize): usize {
  let p = start
  while (p < end) {
    const byte: u32 = load<u8>(p)
    if (byte == COMMA || byte == CLOSE_BRACE || byte == CLOSE_BRACKET || byte <= SPACE) break
    p++
  }
  return p > start ? p : failAt(start)
}

/** The number of the key in bytes [start, end), with or without escapes. */
function keyNumber(start: usize, end: usize): i32 {
  if (!escaped) return knownKey(start, end - start)
  const length = decode(start, end)
  const number = length == 0 ? UNKNOWN : knownKey(DECODED, length)
  return number == UNKNOWN ? UNKNOWN_ESCAPED : number
}

function knownKey(start: usize, length: usize): i32 {
  let number: i32 = <i32>load<u8>(slotOf(start, length)) - 1
  while (number >= 0) {
    const known = KEYS + <usize>number * KEY_ROOM
    if (load<u8>(known) == length && areSame(known + 1, start, length)) return number
    number = <i32>load<u8>(BEFORE + number) - 1
  }
  return UNKNOWN
}

/** Compares bytes. Most keys have 4 to 16 bytes: one load from each end, which may overlap, covers them. */
function areSame(a: usize, b: usize, length: usize): bool {
  const last = length - 8
  if (length >= 8 && length <= 16) return load<u64>(a) == load<u64>(b) && load<u64>(a + last) == load<u64>(b + last)
  const end = length - 4
  if (length >= 4 && length < 8) return load<u32>(a) == load<u32>(b) && load<u32>(a + end) == load<u32>(b + end)
  return memory.compare(a, b, length) == 0
}

function slotOf(start: usize, length: usize): usize {
  return SLOTS + (((length << 5) | (load<u8>(start) & 0x1f)) & 0x3ff)
}

/** Decodes a key's escapes to DECODED. Returns its length; 0 if it cannot be a known key, which are short and ASCII. */
function decode(start: usize, end: usize): usize {
  let length: usize = 0
  for (let p = start; p < end; length++) {
    if (length == longestKey) return 0
    let byte: u32 = load<u8>(p)
    if (byte != BACKSLASH) p++
    else {
      if (load<u32>(p) != ESCAPED_ASCII) return 0
      byte = hexDigit(load<u8>(p + 4)) * 16 + hexDigit(load<u8>(p + 5))
      p += 6
    }
    store<u8>(DECODED + length, <u8>byte)
  }
  return length
}

function hexDigit(byte: u32): u32 {
  return byte <= NINE ? byte - ZERO : (byte | CASE) - 0x57
}

function isDigit(byte: u32): bool {
  return byte - ZERO < 10
}

function isHex(byte: u32): bool {
  return isDigit(byte) || (byte | CASE) - 0x61 < 6
}
