/**
 * What is started: the server itself is main.ts. In JavaScript, because there is no cache yet when this file is read: to
 * strip types of it alone, Node would load its compiler, 16 MB that nothing needs afterwards.
 */
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import './app/hang-up.js'
import './app/keep-ticks.js'

// Stripping types and compiling is more than a third of a start. What came of it lies beside the packages: whoever may
// write there can change the code itself. Where nobody may, each start does it anew.
enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'tributary'))
await import('./main.ts')
