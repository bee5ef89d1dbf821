import type { OAuthApp } from '../../model/oauth/oauth.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { CommandFailed } from '../command.ts'

/** The app with this id. Throws CommandFailed if there is none. */
export function appOf({ file: { apps = [] } }: KeyedTributaryFile, id: string): OAuthApp {
  const app = apps.find(one => one.id === id)
  if (app !== undefined) return app
  const known = apps.length === 0 ? 'there are none' : `there are: ${apps.map(one => one.id).join(', ')}`
  throw new CommandFailed(`there is no app "${id}"; ${known}`)
}

/** The ids of an app's keys. Throws CommandFailed if there is no such app. */
export function kidsOf(content: KeyedTributaryFile, id: string): readonly string[] {
  return appOf(content, id).publicKeys.map(({ kid }) => kid)
}
