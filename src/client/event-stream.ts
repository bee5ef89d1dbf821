const DATA = 'data: '

/**
 * The JSON of each message of a stream of server-sent events (WHATWG HTML, section 9.2). Comments and messages without data are
 * skipped. Rejects with the error of `body`, and if a message has more than `maxChars` characters.
 */
export async function* readEventStream<T>(body: AsyncIterable<Uint8Array>, maxChars = Infinity): AsyncGenerator<T> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const messages = text.split('\n\n')
    text = messages.pop() ?? ''
    if (text.length > maxChars) throw new Error('its events are too large')
    for (const message of messages) {
      // Lines end with a line feed alone: JSON may have U+2028, which a regular expression takes for the end of a line.
      const data = message.split('\n').find(line => line.startsWith(DATA))
      if (data !== undefined) yield JSON.parse(data.slice(DATA.length)) as T
    }
  }
}
