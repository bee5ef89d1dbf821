import type { Rejection } from './rejected.ts'
import { noteOf, noteSentAgain } from './sent-again.ts'

/**
 * Notes the records of one run of "rejected retry" when their events are answered. A body is noted at the end of the run, if none of
 * its events was left.
 */
export class SentNotes {
  readonly #dataDir: string
  readonly #bodies = new Set<string>()
  readonly #sentBodies = new Set<string>()
  readonly #leftBodies = new Set<string>()
  #isKept = true

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  /** False if there is no data folder on this machine to keep notes in. */
  get isKept(): boolean {
    return this.#isKept
  }

  /** The note of the record that an event is from. */
  of(rejection: Rejection): string {
    const note = noteOf(rejection)
    if (rejection.bodyJson !== undefined) this.#bodies.add(note)
    return note
  }

  /** Keeps the notes of events that are answered. */
  readonly add = async (notes: readonly string[]): Promise<void> => {
    for (const note of notes) if (this.#bodies.has(note)) this.#sentBodies.add(note)
    await this.#keep(notes.filter(note => !this.#bodies.has(note)))
  }

  /** An event that is not sent. */
  leave(rejection: Rejection): void {
    if (rejection.bodyJson !== undefined) this.#leftBodies.add(noteOf(rejection))
  }

  /** Keeps the notes of bodies all of whose complete events are answered. Call it after all events were sent. */
  async addBodies(): Promise<void> {
    await this.#keep([...this.#sentBodies].filter(note => !this.#leftBodies.has(note)))
  }

  async #keep(notes: readonly string[]): Promise<void> {
    if (notes.length > 0 && !(await noteSentAgain(this.#dataDir, notes))) this.#isKept = false
  }
}
