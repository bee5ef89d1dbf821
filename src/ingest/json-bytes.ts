/** The bytes that JSON's objects are written with. */
export const COMMA = 0x2c
export const OPEN_BRACE = 0x7b
export const CLOSE_BRACE = 0x7d
export const QUOTE = 0x22
