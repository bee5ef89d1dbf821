/**
 * The Authorization header of HTTP Basic (RFC 7617). The tracking API takes a write key as the user name without a password;
 * the admin listener takes the user `admin`.
 */
export function basicAuthorization(user: string, password = ''): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}
