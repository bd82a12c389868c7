// What the examples use of Bun, declared as @types/bun does, so that they are checked without it.

declare namespace Bun {
  interface BunRequest extends Request {
    readonly cookies: CookieMap;
  }

  interface CookieMap {
    get(name: string): string | null;
    set(name: string, value: string, options?: CookieInit): void;
  }

  interface CookieInit {
    path?: string;
    secure?: boolean;
    httpOnly?: boolean;
    sameSite?: "strict" | "lax" | "none";
  }

  interface Server {
    readonly url: URL;
  }

  function serve(options: {
    hostname?: string;
    port?: number;
    routes?: Record<string, (request: BunRequest) => Response | Promise<Response>>;
    fetch: (request: Request) => Response | Promise<Response>;
  }): Server;
}
