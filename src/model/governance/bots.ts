/** What is done with events of bots: nothing, `context.bot: true`, or they are not published. */
export type BotPolicy = 'off' | 'flag' | 'filter'
