// The declarations of Bun that the examples use, so that they can be checked without @types/bun.

declare namespace Bun {
  interface Server {
    readonly url: URL;
  }

  function serve(options: {
    hostname?: string;
    port?: number;
    fetch: (request: Request) => Response | Promise<Response>;
  }): Server;
}
