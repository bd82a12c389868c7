// What the examples use of Bun, declared as @types/bun does, so that they are checked without it.

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
