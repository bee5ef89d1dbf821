export function onHangUp(handler: () => void): void
