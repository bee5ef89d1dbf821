/** The part of Node's WebAssembly that is used here. TypeScript's own declaration would need all types of a browser. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}
