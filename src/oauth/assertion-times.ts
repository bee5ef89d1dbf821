/** `exp` of an assertion may be at most so many seconds in the future. */
export const MAX_LIFETIME_SECONDS = 120
/** The accepted error of a client's clock, in seconds. */
export const TOLERANCE_SECONDS = 60
/** How long a used jti must be remembered, in seconds. */
export const REPLAY_WINDOW_SECONDS = MAX_LIFETIME_SECONDS + TOLERANCE_SECONDS
