import { isIP } from 'node:net'

/**
 * `red`: harms a person if it leaks; `yellow`: says something about a person. These are the two classes of Segment's
 * Privacy Portal.
 */
export type PiiLevel = 'red' | 'yellow'

export interface Pii {
  readonly kind: string
  readonly level: PiiLevel
}

const RED_NAMES = [
  'ssn',
  'social security',
  'password',
  'passwd',
  'visa',
  'veteran',
  'disability',
  'credit card',
  'card number',
  'cvv',
  'passport',
  'token',
  'secret'
]
const YELLOW_NAMES = [
  ...[
    'race',
    'birthdate',
    'birthday',
    'birth date',
    'date of birth',
    'dob',
    'phone',
    'mobile',
    'address',
    'gender',
    'ethnicity'
  ],
  ...[
    'citizenship',
    'first name',
    'last name',
    'full name',
    'surname',
    'street',
    'city',
    'zipcode',
    'zip code',
    'postal code'
  ],
  ...[
    'email',
    'e mail',
    'certificate',
    'license',
    'identification',
    'serial',
    'ip',
    'photo',
    'salary',
    'religion',
    'mac',
    'sex'
  ],
  ...['sexual orientation', 'medication', 'allergy', 'condition', 'diagnosis', 'procedure', 'iban']
]
const NAMES: readonly (readonly [name: string, level: PiiLevel])[] = [
  ...RED_NAMES.map(name => [name, 'red'] as const),
  ...YELLOW_NAMES.map(name => [name, 'yellow'] as const)
]

/** What the name of a member says, by whole words: `userEmail`, `user_email` and `E-Mail`, but not `emailed`. */
export function piiOfName(key: string): Pii | undefined {
  const words = ` ${wordsOf(key)} `
  const joined = ` ${words.replaceAll(' ', '')} `
  const found = NAMES.find(([name]) => words.includes(` ${name} `) || joined === ` ${name.replaceAll(' ', '')} `)
  return found === undefined ? undefined : { kind: found[0], level: found[1] }
}

function wordsOf(key: string): string {
  return key
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** The most characters of a text that are examined. */
const MAX_LOOKED_CHARS = 2_000
const EMAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/
const JWT = /\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/
const US_SSN = /^(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}$/
const PHONE = /^\+[1-9]\d{0,2}[ ()./-]{0,2}\d(?:[ ()./-]{0,2}\d){5,12}$/
const CARD = /^\d(?:[ -]?\d){12,18}$/
const IBAN = /^[A-Z]{2}\d{2}(?: ?[A-Z\d]{2,4}){3,8}$/

/** What a value looks like: the first kind that matches. A number is only compared with card numbers. */
export function piiOfValue(value: string | number): Pii | undefined {
  if (typeof value === 'number') return isCard(String(value)) ? { kind: 'card number', level: 'red' } : undefined
  const text = value.slice(0, MAX_LOOKED_CHARS).trim()
  if (isCard(text)) return { kind: 'card number', level: 'red' }
  if (US_SSN.test(text)) return { kind: 'social security number', level: 'red' }
  if (JWT.test(text)) return { kind: 'token', level: 'red' }
  if (IBAN.test(text) && isIban(text)) return { kind: 'IBAN', level: 'red' }
  if (EMAIL.test(text)) return { kind: 'e-mail address', level: 'yellow' }
  if (PHONE.test(text)) return { kind: 'phone number', level: 'yellow' }
  return isIP(text) > 0 && !isNobody(text) ? { kind: 'IP address', level: 'yellow' } : undefined
}

/** Addresses that belong to nobody: unset, or truncated by `privacy.ip`. */
function isNobody(address: string): boolean {
  return address.endsWith('.0') || address.endsWith('::')
}

/** 13 to 19 digits with a correct check digit (Luhn). */
function isCard(text: string): boolean {
  if (!CARD.test(text)) return false
  const digits = text.replaceAll(/\D/g, '').split('').map(Number).toReversed()
  if (new Set(digits).size < 2) return false
  const sum = digits.reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit
    return total + (doubled > 9 ? doubled - 9 : doubled)
  }, 0)
  return sum % 10 === 0
}

/** ISO 13616: the number modulo 97 is 1. */
function isIban(text: string): boolean {
  const bare = text.replaceAll(' ', '')
  const spelled = (bare.slice(4) + bare.slice(0, 4)).replaceAll(/[A-Z]/g, letter => String(parseInt(letter, 36)))
  return BigInt(spelled) % 97n === 1n
}
