/**
 * One pass over the bytes of a body: where each member of interest begins and ends, how deep it nests, and whether
 * anything in it needs a closer look. It accepts exactly what JSON.parse accepts, and makes no value of any of it.
 *
 * AssemblyScript, compiled to WebAssembly by scripts/walk-code.ts: the same walk in JavaScript took more than twice as long,
 * because it looks at one byte where this looks at sixteen. src/ingest/parse/walker.ts calls it, and src/ingest/parse/scan.ts reads what it writes.
 *
 * Behind the input lie bytes of zero, which stand nowhere in JSON: most loops end there and need not ask for the end.
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
/** Setting this bit makes an ASCII letter small. */
const CASE: u32 = 0x20

/** The first two bytes of `__proto__` and `constructor`, and how long these are. */
const PROTO_START: u32 = 0x5f5f
const PROTO_LENGTH: usize = 9
const CONSTRUCTOR_START: u32 = 0x6f63
const CONSTRUCTOR_LENGTH: usize = 11

const TRUE: u32 = 0x65757274
const NULL: u32 = 0x6c6c756e
/** What follows the f. */
const ALSE: u32 = 0x65736c61
const ESCAPED_ASCII: u32 = 0x3030755c

/** Each of these is a number of 4 bytes. */
const INT: usize = 4
/** Status, position of the error, repeated key, number of elements, index of the whole's record, number of all, last id. */
const HEAD_BYTES: usize = 7 * INT
/** Start, end, depth, flags, number of members. */
const RECORD_BYTES: usize = 5 * INT
/** Start, closing quote of the key, its number, start and end of the value, its kind and depth, its id, its shape. */
const MEMBER_BYTES: usize = 8 * INT
/** Bits of the number that kind and depth share that the kind takes. */
const KIND_BITS: i32 = 4

const OK: i32 = 0
const NOT_JSON: i32 = 1
const OVER_LIMIT: i32 = 2

const IS_OBJECT: i32 = 1
const HAS_LINE_BREAKS: i32 = 2
const HAS_SUSPECT_KEYS: i32 = 4
const IS_SOUND: i32 = 8

/** Kinds of values: what can be said of them without looking into them. */
const STRING_ESCAPED: i32 = 0
/** Its bytes between the quotes, of which there are some, are its text. */
const STRING_PLAIN: i32 = 1
const STRING_EMPTY: i32 = 2
const NUMBER: i32 = 3
const BOOLEAN: i32 = 4
const IS_NULL: i32 = 5
const OBJECT: i32 = 6
const ARRAY: i32 = 7
const ARRAY_EMPTY: i32 = 8

/** What is told of a key's values: an id, a shape, a shape where the event's type is page; and that it is the type. */
const HAS_ID: i32 = 1
const HAS_SHAPE: i32 = 2
const HAS_SHAPE_IN_PAGES: i32 = 4
const IS_TYPE: i32 = 8
/** Its values are few, and have their ids again when others came between. */
const IS_REMEMBERED: i32 = 16

/** `"library` and `page`. */
const LIBRARY: u64 = 0x7972617262696c22
const PAGE: u32 = 0x65676170
/** In a shape: a text, an empty one, a whole number and another one. Literals stand for themselves by their first letter. */
const SOME_TEXT: u8 = 0x73
const EMPTY_TEXT: u8 = 0x65
const WHOLE_NUMBER: u8 = 0x69
const FRACTION: u8 = 0x64
/** All of these digits are kept by a number. */
const MAX_EXACT_CHARS: usize = 15
const HASH_FACTOR: u64 = 0x9e3779b97f4a7c15

const UNKNOWN: i32 = -1
const UNKNOWN_ESCAPED: i32 = -2
const NONE: i32 = -1

/** Known keys by number: room for each, with its length before it. */
const KEY_ROOM: usize = 32
const KEYS = memory.data(32 * 32)
/** By length and first byte of a key: the number of the last such key and 1, and by number what came before it. */
const SLOTS = memory.data(1024)
const BEFORE = memory.data(32)
/** An envelope's members, while those of its events are written. */
const ENVELOPE = memory.data(20 + 32 * 32)
/** By number of a key: what is told of its values; the id, the shape and the length of the value that came last. */
const WALK_HINTS = memory.data(32)
const LAST_ID = memory.data(32 * 4)
const LAST_SHAPE = memory.data(32 * 4)
const LAST_LENGTH = memory.data(32 * 4)
const DECODED = memory.data(32)

const PAGE_BYTES: usize = 65536
/** More than the widest look ahead. */
const PADDING: usize = 32
/** By number of a key: the value that came last, as far as it fits. */
const LAST_VALUES: usize = (__heap_base + 15) & ~15
const VALUE_ROOM: usize = 4096
/** What has ids, as far as it fits: a text's length and id, then the text. Each has two places where it can be. */
const TEXTS: usize = LAST_VALUES + 32 * VALUE_ROOM
const TEXT_PLACE_BYTES: usize = 1024
const TEXT_PLACES: usize = 256
/** More than that gets no id of its own; as many bytes less as the widest store may write too much. */
const MAX_TEXT_BYTES: usize = TEXT_PLACE_BYTES - 8 - 16
/** The text that an id is looked up for. */
const TEXT: usize = TEXTS + TEXT_PLACES * TEXT_PLACE_BYTES
const INPUT: usize = TEXT + TEXT_PLACE_BYTES

let keys: usize = 0
let longestKey: usize = 0

/** What an address has more than its position in the body. */
let origin: usize = 0
let end: usize = 0
let at: usize = 0
/** Where the next record is written. */
let out: usize = 0
let failedAt: usize = 0

/** Whether values are judged, or only their ends are looked for. */
let strict: bool = true
/** The object that is walked is an envelope. */
let expand: bool = false
let maxDepth: i32 = 0
let limit: i32 = 0
let elements: i32 = NONE
let repeatedKey: i32 = NONE
let isOverLimit: bool = false
let seenKeys: u32 = 0

/** Levels of nesting of what was walked since this was set to 0. */
let deepest: i32 = 0
/** Line breaks stood between tokens. */
let lineBreaks: bool = false
/** A key may spell __proto__ or constructor. */
let suspectKeys: bool = false
/** The string that was walked last holds a backslash. */
let escaped: bool = false
/** Where the closing quote of the last key stands. */
let keyEnd: usize = 0

/** Makes room for an input. Returns where it is to be put. */
export function room(length: usize): usize {
  reserve(INPUT + length + PADDING)
  return INPUT
}

/**
 * Learns a key that has a number, the next one; its bytes are where an input would be.
 *
 * @param told what is told of values of that key, in events: a sum of HAS_ID and its like
 */
export function addKey(length: usize, told: i32): void {
  const key = KEYS + keys * KEY_ROOM
  store<u8>(key, <u8>length)
  memory.copy(key + 1, INPUT, length)
  const slot = slotOf(INPUT, length)
  store<u8>(BEFORE + keys, load<u8>(slot))
  store<u8>(WALK_HINTS + keys, <u8>told)
  keys++
  store<u8>(slot, <u8>keys)
  if (length > longestKey) longestKey = length
}

/**
 * Walks an input that must be one object. Returns where the result lies: the head, then the object's record.
 *
 * @param isEvent its values get ids and shapes
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

/** Walks an input that must be one object, and the elements of its `batch`: the head, their records, and its own. */
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

/** Where the records of elements go on, while the envelope's own are written. */
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

/** Where the memory ends. */
let reach: usize = 0

/** Makes the memory reach so far; traps where there is none. */
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

/** The same where a position is asked for: 0 is none. */
function nowhere(position: usize): usize {
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

/** The object at the position, as a record and its members. */
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
  // An envelope would find there what its last event has left.
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
  const told: i32 = givesIds && !expand && number >= 0 ? load<u8>(WALK_HINTS + number) : 0
  store<u64>(out, told == 0 ? 0 : idAndShape(number, told, valueStart), 6 * INT)
  out += MEMBER_BYTES
  return true
}

/** The kind of the value that begins there and ends at the position. */
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

/** How many ids were given. */
let lastId: i32 = 0
/** The objects that are walked are events, but for one that is an envelope. */
let givesIds: bool = false
/** The type of the event that is walked is page; and where its member is written whose value then gets a shape. */
let isPage: bool = false
let shapedInPages: usize = 0

/**
 * The id and, in the upper half, the shape of the value of the member that is written next; the value begins at `start`
 * and ends at the position. Those of the last value of this key, in this body or in one before, where all their bytes are
 * the same: many events share these values.
 */
function idAndShape(number: i32, told: i32, start: usize): u64 {
  const length = at - start
  if ((told & IS_TYPE) != 0) isPage = length == 6 && load<u32>(start + 1) == PAGE
  if ((told & HAS_SHAPE_IN_PAGES) != 0) shapedInPages = out
  if ((told & HAS_ID) == 0 || length > VALUE_ROOM) return 0
  const index = <usize>number * INT
  const last = LAST_VALUES + <usize>number * VALUE_ROOM
  if (load<u32>(LAST_LENGTH + index) != <u32>length || !hasSameBytes(last, start, length)) {
    memory.copy(last, start, length)
    store<u32>(LAST_LENGTH + index, <u32>length)
    store<i32>(LAST_ID + index, (told & IS_REMEMBERED) != 0 ? idOf(start, length) : ++lastId)
    store<i32>(LAST_SHAPE + index, (told & HAS_SHAPE) != 0 ? shapeOf(start, at) : 0)
  }
  return <u64>load<u32>(LAST_ID + index) | ((<u64>load<u32>(LAST_SHAPE + index)) << 32)
}

/** The id of these bytes: the same as long as they are remembered, else a new one. */
function idOf(start: usize, length: usize): i32 {
  const end = put(TEXT, start, length)
  return end == 0 ? ++lastId : idOfText(end)
}

/** The id of what stands from TEXT on. */
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

/** Whether what stands from TEXT on is what lies in this place. */
function isAt(place: usize, length: usize): bool {
  return load<u32>(place) == <u32>length && hasSameBytes(place + 8, TEXT, length)
}

/** Copies bytes to `to`, which lies behind TEXT; what lies behind them there, or 0 where that is too far. */
function put(to: usize, from: usize, length: usize): usize {
  if (to + length > TEXT + MAX_TEXT_BYTES) return 0
  for (let i: usize = 0; i < length; i += 16) v128.store(to + i, v128.load(from + i))
  return to + length
}

/**
 * The shape of an object: a number that two of them share only if they have the same keys, in the same order and letter by
 * letter, and values of the same kinds, all the way down. Strings are told apart by whether they are empty. Numbers
 * are whole or not, and have all of their bytes compared where that takes more than a glance. So have texts and numbers
 * in `library`, which says more of an event than its kind. 0 where none is given: for what is long, is no object, or has
 * keys with escapes.
 *
 * Bytes that are not JSON have a shape or not; nothing is read behind `end` but the padding.
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
      // A comma, which stands nowhere else, ends a number that is written out.
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

/** WHOLE_NUMBER or FRACTION where that is seen without computing; else 0. */
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

/** The number of the key whose elements are taken apart. */
let batchKey: i32 = NONE

export function setBatchKey(number: i32): void {
  batchKey = number
}

/** Whether the key of an envelope is known, and stands there for the first time. */
function isFirst(number: i32): bool {
  if (number < 0) return false
  const bit: u32 = 1 << number
  if ((seenKeys & bit) != 0) repeatedKey = number
  const isNew = (seenKeys & bit) == 0
  seenKeys |= bit
  return isNew
}

/** The array at the position, element by element. */
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

/** An element that is not JSON is taken for what its braces say, or for what lies before the next comma. */
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

/** An element that is no object, or one whose braces do not hold. */
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

/** The position behind the value that begins at `p`; 0 where there is none. */
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
    // Deeper than anything that is taken: it is passed over, and its levels are counted.
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
      if (next != (isObject ? CLOSE_BRACE : CLOSE_BRACKET)) return nowhere(p)
      p++
      level--
      objects >>= 1
    }
  }
}

function skipSpace(): void {
  at = space(at)
}

/** The position behind the white space that may begin at `p`. */
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

/** From a key's opening quote to the first byte of its value; 0 where that is not what stands there. */
function key(start: usize): usize {
  if (load<u8>(start) != QUOTE) return nowhere(start)
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
  if (load<u8>(p) != COLON) return nowhere(p)
  return space(p + 1)
}

/** An ASCII letter written as \u00XX is the only way to hide a key that is to be refused. */
function suspectEscapes(start: usize, end: usize): void {
  for (let p = start; p < end; p++) {
    if (load<u8>(p) != BACKSLASH) continue
    if (load<u32>(p) == ESCAPED_ASCII) suspectKeys = true
    p++
  }
}

/** The position behind the string that begins at `start`. Notes a backslash in it. */
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
    if (byte != BACKSLASH) return nowhere(p < end ? p : start)
    escaped = true
    const length = escapeLength(p + 1)
    if (length == 0) return 0
    p += length + 1
  }
}

/** How many bytes follow the backslash before `p` (RFC 8259, section 7); 0, and a failure, where it is no escape. */
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

/** The position behind the number or the literal that begins at `p`. */
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

/** At least one. */
function digits(p: usize): usize {
  if (!isDigit(load<u8>(p))) return nowhere(p)
  while (isDigit(load<u8>(p))) p++
  return p
}

function literal(p: usize): usize {
  const word = load<u32>(p)
  if (word == TRUE || word == NULL) return p + 4
  return load<u8>(p) == LOWER_F && load<u32>(p + 1) == ALSE ? p + 5 : nowhere(p)
}

/** As strictValue(), but finds the value's end only and judges nothing in it: for what is to be refused anyway. */
function passOver(start: usize, level: i32): usize {
  const first: u32 = load<u8>(start)
  if (first != QUOTE && first != OPEN_BRACE && first != OPEN_BRACKET) return passOverScalar(start)
  let depth = level - 1
  for (let p = start; p < end; p++) {
    const byte: u32 = load<u8>(p)
    if (byte == QUOTE) {
      const closing = closingQuote(p)
      if (closing == 0) return nowhere(p)
      p = closing
    } else if (byte == OPEN_BRACE || byte == OPEN_BRACKET) {
      if (++depth > deepest) deepest = depth
    } else if (byte == CLOSE_BRACE || byte == CLOSE_BRACKET) depth--
    else if (byte == LINE_FEED || byte == CARRIAGE_RETURN) lineBreaks = true
    if (depth < level) return p + 1
  }
  return nowhere(start)
}

/** 0 where there is none. */
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
  return p > start ? p : nowhere(start)
}

/** The number of the key in bytes [start, end), however it is spelled. */
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

/** Most keys have 4 to 16 bytes: two loads from each end, which may overlap, see all of them. */
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

/** Writes to DECODED what the key would be; 0 where it can be none that is known: these are ASCII, and short. */
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
