import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jarsOf, versionIn } from '../kafka-jars.ts'

const SDK = { pom: join(import.meta.dirname, 'java', 'pom.xml'), artifact: 'analytics', folder: 'java-sdk' }

/** The folder with the jars of Segment's SDK for Java, fetched with Maven on first use. */
export function javaSdkJars(): Promise<string> {
  return jarsOf(SDK)
}

export function javaSdkVersion(): string {
  return versionIn(readFileSync(SDK.pom, 'utf8'), SDK.artifact)
}
