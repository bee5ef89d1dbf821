/** The part of Node's WebAssembly that is used here: TypeScript knows it only with all of a browser's types. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}
