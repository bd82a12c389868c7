import {
  type CompleteAnswer,
  emptyAnswer,
  type EmulatorAnswer,
  errorAnswer,
  redirectAnswer,
} from "./answer.ts";
import { AuthorizationCheck } from "./authorization.ts";
import { corsHeaders, preflightHeaders } from "./cors.ts";
import { FaultSource, withFault } from "./faults.ts";
import { loginPage } from "./login_page.ts";
import { exchangeOrRefresh, failed, flowOf, type OperationResult, save } from "./operations.ts";
import type { EmulatorSettings } from "./options.ts";
import { languageOf } from "./page.ts";
import {
  type BodyReading,
  type EmulatorRequest,
  readBody,
  type Target,
  targetOf,
} from "./request.ts";
import { type EmulatorOperation, type HandledRequest, RequestLog } from "./request_log.ts";
import { requestsPage } from "./requests_page.ts";
import { choicesOf, signIn } from "./sign_in.ts";
import { TokenMint } from "./tokens.ts";
import { userInfo } from "./user_info.ts";
import { UserDirectory } from "./users.ts";
import { CredentialVault } from "./vault.ts";
import { isSameSite, isTrustedHost } from "./visitor.ts";

const CREDENTIALS = "/v1/auth/credentials";
const USER_INFO = "/v1/auth/userinfo";

/** A request of which the URL and the body have been read. */
interface Call {
  readonly request: EmulatorRequest;
  readonly target: Target;
  readonly body: BodyReading;
}

/** Facts about a request that become known on the way to its response. */
interface Notes {
  operation: EmulatorOperation | undefined;
  user?: string | undefined;
}

/** The parts of an emulator, and the way of a request through them. */
export class EmulatorService {
  readonly vault: CredentialVault;
  readonly users: UserDirectory;
  readonly faults: FaultSource = new FaultSource();
  readonly log: RequestLog = new RequestLog();
  readonly #settings: EmulatorSettings;
  readonly #authorization: AuthorizationCheck;
  readonly #mint: TokenMint;

  /** Creates a service without codes and refresh tokens. */
  constructor(settings: EmulatorSettings) {
    this.#settings = settings;
    this.faults.faults = settings.faults;
    this.users = new UserDirectory(settings.users);
    this.#authorization = new AuthorizationCheck(settings);
    this.#mint = new TokenMint({ ...settings, secretKey: settings.signature.secretKey });
    this.vault = new CredentialVault({ ...settings, mint: this.#mint, users: this.users });
  }

  /**
   * Handles a request, faults included.
   *
   * @param hostname The host name of the server, if it is not a loopback host.
   */
  async handle(request: EmulatorRequest, hostname?: string): Promise<EmulatorAnswer> {
    const { method, headers, url } = request;
    const target = targetOf(url);
    const time = this.#settings.now();
    const traceId = traceIdOf(headers);
    const operation = operationOf(method, target);
    const isGet = operation === "getAuthCredentials";
    const authFlow = isGet ? flowOf(target.query) : undefined;
    const fault = isGet || operation === "createAuthCredentials"
      ? this.faults.next(isGet ? "GET" : "POST", authFlow)
      : undefined;
    // Read even if nobody needs it: a connection that is closed over an unread body is reset.
    const call = { request, target, body: await readBody(request) };
    const notes: Notes = { operation };
    const answer = await withFault(
      fault,
      request,
      async () => await this.#respond(call, notes, hostname),
    );
    if (answer.kind !== "dropped") this.#addCommonHeaders(answer.headers, call, traceId);
    if (notes.operation !== undefined) {
      this.log.add(handled({
        time,
        operation: notes.operation,
        authFlow,
        status: answer.kind === "dropped" ? undefined : answer.status,
        fault: fault?.kind,
        user: notes.user,
        traceId,
      }));
    }
    return answer;
  }

  /** Forgets codes, refresh tokens, requests, planned faults and who has signed in. */
  reset(): void {
    for (const part of [this.vault, this.users, this.faults, this.log]) part.reset();
  }

  async #respond(call: Call, notes: Notes, hostname: string | undefined): Promise<CompleteAnswer> {
    const { request, target } = call;
    switch (target.path) {
      case CREDENTIALS:
      case USER_INFO: {
        if (!isOperation(notes.operation)) return this.#otherMethod(request, target.path);
        const { answer, user } = await this.#operate(call);
        notes.user = user;
        return answer;
      }
      case "/":
      case "/login":
      case "/requests":
      case "/reset":
        break;
      default:
        if (tenantOf(target.path) === undefined) return errorAnswer(404, "There is no such path");
    }
    if (!isTrustedHost(target.host, hostname)) {
      notes.operation = undefined;
      return errorAnswer(403, "The host is neither a loopback host nor that of the emulator");
    }
    return this.#visit(call, notes);
  }

  async #operate({ request, target, body }: Call): Promise<OperationResult> {
    const { method, url, headers } = request;
    if (body.kind === "too_large") return failed(413, "The body is too large");
    if (body.kind === "not_utf8") return failed(400, "The body is not UTF-8");
    const signed = { method, url, body: body.text };
    const problem = await this.#authorization.problemWith(headers.get("Authorization"), signed);
    if (problem !== undefined) return failed(401, problem);
    if (target.path === USER_INFO) return userInfo(this.#mint, this.users, target.query);
    return method === "POST"
      ? save(this.vault, this.users, body.text)
      : exchangeOrRefresh(this.vault, target.query);
  }

  /** Handles a request for a page. */
  #visit(call: Call, notes: Notes): CompleteAnswer {
    const { request: { method, headers }, target, body } = call;
    const { path, query } = target;
    const isRead = method === "GET" || method === "HEAD";
    const language = languageOf(query.get("lang"), headers.get("Accept-Language"));
    if (isRead && path === "/requests") return requestsPage(this.log.requests, language);
    if (isRead && path !== "/reset") return this.#login(call, query, notes);
    if (method !== "POST" || path === "/" || path === "/requests") {
      return notAllowed(path === "/reset" ? "POST" : path === "/login" ? "GET, POST" : "GET");
    }
    if (!isSameSite(headers, target.host)) {
      return errorAnswer(403, "The request comes from another site");
    }
    if (path === "/reset") {
      this.reset();
      return redirectAnswer(`/requests?lang=${language}`);
    }
    if (body.kind === "too_large") return errorAnswer(413, "The body is too large");
    const fields = new URLSearchParams(body.kind === "text" ? body.text : "");
    return this.#login(call, fields, notes);
  }

  /** Signs in if the fields name a user; else it shows the login page. */
  #login({ request, target }: Call, fields: URLSearchParams, notes: Notes): CompleteAnswer {
    const { callbackUrl, rotation } = this.#settings;
    const isPost = request.method === "POST";
    const choices = isPost || fields.has("user") ? choicesOf(fields, this.users) : undefined;
    if (typeof choices === "object" && request.method !== "HEAD") {
      const code = signIn(choices, this);
      notes.operation = "signIn";
      notes.user = choices.user.name;
      const location = new URL(callbackUrl);
      location.searchParams.set("code", code);
      return redirectAnswer(location.href);
    }
    const tenant = tenantOf(target.path);
    const lang = fields.get("lang");
    return loginPage({
      language: languageOf(lang, request.headers.get("Accept-Language")),
      path: target.path === "/" ? "/login" : target.path,
      tenant,
      users: this.#usersOf(tenant),
      callbackUrl,
      rotation,
      fields,
      problem: typeof choices === "string" ? choices : undefined,
    });
  }

  #usersOf(tenant: string | undefined) {
    const users = this.users.list();
    const members = users.filter(({ tenants }) => tenants.some(({ id }) => id === tenant));
    return members.length > 0 ? members : users;
  }

  #otherMethod({ method, headers }: EmulatorRequest, path: string): CompleteAnswer {
    const { cors } = this.#settings;
    if (method === "OPTIONS" && cors !== false) {
      const answer = emptyAnswer(204);
      for (const [name, value] of preflightHeaders(cors, headers)) answer.headers.set(name, value);
      return answer;
    }
    const methods = path === USER_INFO ? "GET" : "GET, POST";
    return notAllowed(cors === false ? methods : `${methods}, OPTIONS`);
  }

  /** Adds the headers that every response has, unless a fault has set them. */
  #addCommonHeaders(answer: Headers, { request, target }: Call, traceId: string): void {
    const { cors, now } = this.#settings;
    const isApi = target.path.startsWith("/v1/");
    const common: [string, string][] = [
      ["Date", new Date(now()).toUTCString()],
      ["X-Saasus-Trace-Id", traceId],
      ...(isApi ? corsHeaders(cors, request.headers) : []),
    ];
    for (const [name, value] of common) {
      if (!answer.has(name)) answer.set(name, value);
    }
  }
}

function operationOf(method: string, { path }: Target): EmulatorOperation | undefined {
  if (path === CREDENTIALS) {
    if (method === "GET") return "getAuthCredentials";
    return method === "POST" ? "createAuthCredentials" : undefined;
  }
  if (path === USER_INFO) return method === "GET" ? "getUserInfo" : undefined;
  const isPage = ["/", "/login", "/requests", "/reset"].includes(path);
  return isPage || tenantOf(path) !== undefined ? undefined : "unknown";
}

function isOperation(operation: EmulatorOperation | undefined): boolean {
  return operation !== undefined && operation !== "unknown";
}

function notAllowed(methods: string): CompleteAnswer {
  const answer = errorAnswer(405, "The method is not supported");
  answer.headers.set("Allow", methods);
  return answer;
}

/** Returns the ID of the tenant of a SAML login page; `undefined` for another path. */
function tenantOf(path: string): string | undefined {
  const [, id] = /^\/sign-in\/saml\/([^/]+)$/.exec(path) ?? [];
  try {
    return id === undefined ? undefined : decodeURIComponent(id);
  } catch {
    return id;
  }
}

/** Returns the trace ID of the caller if it is fit for logs; else a new one. */
function traceIdOf(headers: Headers): string {
  const traceId = headers.get("X-Saasus-Trace-Id");
  return traceId !== null && /^[\x21-\x7e]{1,128}$/.test(traceId) ? traceId : crypto.randomUUID();
}

/** Leaves out the fields without a value. */
function handled(
  request: { readonly [K in keyof HandledRequest]: HandledRequest[K] | undefined },
): HandledRequest {
  const entries = Object.entries(request).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as unknown as HandledRequest;
}
