/** A member of an object, as byte positions in the body: the key without its quotes, the value with its own. */
export interface Member {
  readonly key: string
  /** Where the key's opening quote stands: the start of the member. */
  readonly start: number
  readonly valueStart: number
  readonly valueEnd: number
  /** Levels of nesting in the value: 0 for a scalar. */
  readonly depth: number
  /** The value is a string, and its bytes between the quotes are its text. */
  readonly plain: boolean
}

export interface ObjectScan {
  readonly start: number
  /** One past the closing brace. */
  readonly end: number
  readonly members: Member[]
  /** Levels of nesting, the object itself being 1. */
  readonly depth: number
  /** Line breaks stand between tokens: they must not reach a line of NDJSON. */
  readonly hasLineBreaks: boolean
  /** A key may spell __proto__ or constructor: the parsed object must be looked at. */
  readonly suspectKeys: boolean
  /** It is JSON, down to the last value: but for what lies deeper than events may nest. */
  readonly sound: boolean
}

/** An element of an array that is not an object, or an object whose braces do not hold. */
export interface OtherScan {
  readonly start: number
  readonly end: number
  readonly members: undefined
  readonly depth: number
  readonly hasLineBreaks: boolean
  readonly sound: boolean
}

export type ElementScan = ObjectScan | OtherScan

/**
 * A body whose member `batch`, where it is an array, is taken apart too. Members with keys that no SDK sends are left
 * out: nobody reads them, and a body has room for 50,000.
 */
export interface EnvelopeScan extends ObjectScan {
  readonly elements: ElementScan[] | undefined
  /** A key that SDKs send and that stands here twice: two readers would take the body for two things. */
  readonly repeatedKey: string | undefined
  /** The array went on after the limit: the scan stopped there and nothing behind it was read. */
  readonly overLimit: boolean
}

/** The first member of that name. */
export function findMember(members: readonly Member[], key: string): Member | undefined {
  for (const member of members) if (member.key === key) return member
  return undefined
}
