/** Headers of a response, beside those that every response of the login has. */
export type ExtraHeaders = readonly (readonly [name: string, value: string])[];

/** Headers that keep a response out of caches, and the URL of the request out of `Referer`. */
const OWN_HEADERS: ExtraHeaders = [
  ["Cache-Control", "private, no-store"],
  ["Referrer-Policy", "no-referrer"],
  ["X-Content-Type-Options", "nosniff"],
];

/** The style of the pages. The hash in the policy belongs to exactly this text. */
const STYLE =
  "body{font:1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:20vh auto;padding:0 1.5rem}h1{font-size:1.4rem}a{font-weight:600}";

const STYLE_HASH = "sha256-hN2dkYHCZhrOzmMFzglbStBYiOPalF71bzZF28JWLNw=";

const PAGE_HEADERS: ExtraHeaders = [
  ["Content-Type", "text/html; charset=utf-8"],
  [
    "Content-Security-Policy",
    `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  ],
];

/** The texts of a page. */
interface PageText {
  readonly title: string;
  readonly text: string;
  readonly link: string;
}

/** The pages of the login. */
export type PageName =
  | "signedOut"
  | "rejected"
  | "cookies"
  | "noCode"
  | "unavailable"
  | "forbidden";

const ENGLISH: Readonly<Record<PageName, PageText>> = {
  signedOut: { title: "Please sign in", text: "You are not signed in.", link: "Sign in" },
  rejected: {
    title: "Sign-in failed",
    text: "Your sign-in has expired or was not accepted.",
    link: "Sign in again",
  },
  cookies: {
    title: "Cookies are needed",
    text:
      "Your browser did not keep the cookie of the sign-in. Please allow cookies for this site.",
    link: "Try again",
  },
  noCode: {
    title: "Sign-in failed",
    text: "The address of this page is incomplete or invalid.",
    link: "Sign in again",
  },
  unavailable: {
    title: "Temporarily unavailable",
    text: "Sign-in does not work at the moment. Please try again in a while.",
    link: "Try again",
  },
  forbidden: {
    title: "Request rejected",
    text: "The request came from another site, and nothing was changed.",
    link: "Go to the start page",
  },
};

const JAPANESE: Readonly<Record<PageName, PageText>> = {
  signedOut: { title: "ログインしてください", text: "ログインしていません。", link: "ログイン" },
  rejected: {
    title: "ログインできませんでした",
    text: "ログインの有効期限が切れたか、受け付けられませんでした。",
    link: "もう一度ログイン",
  },
  cookies: {
    title: "Cookie が必要です",
    text: "ログイン用の Cookie が保存されませんでした。このサイトの Cookie を許可してください。",
    link: "もう一度試す",
  },
  noCode: {
    title: "ログインできませんでした",
    text: "このページのアドレスが正しくありません。",
    link: "もう一度ログイン",
  },
  unavailable: {
    title: "一時的に利用できません",
    text: "現在ログインできません。しばらくしてからもう一度お試しください。",
    link: "もう一度試す",
  },
  forbidden: {
    title: "リクエストを拒否しました",
    text: "別のサイトからのリクエストのため、何も変更していません。",
    link: "トップページへ",
  },
};

/** Options for {@linkcode page}. */
export interface PageOptions {
  /** The status code. */
  readonly status: number;
  /** The path of the link. */
  readonly link: string;
  /** Further headers. */
  readonly headers?: ExtraHeaders | undefined;
}

/** Returns a page with one link, in the language of the browser. */
export function page(
  name: PageName,
  request: Request,
  { status, link, headers = [] }: PageOptions,
): Response {
  const language = languageOf(request);
  const { title, text, link: label } = (language === "ja" ? JAPANESE : ENGLISH)[name];
  const body = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p>${text}</p>
<p><a href="${escapeHtml(link)}">${label}</a></p>
</body>
</html>
`;
  return respond(body, { status, headers: [...PAGE_HEADERS, ...headers] });
}

/** Returns a response in JSON. */
export function json(body: unknown, status: number, headers: ExtraHeaders = []): Response {
  const type = ["Content-Type", "application/json"] as const;
  return respond(JSON.stringify(body), { status, headers: [type, ...headers] });
}

/** Returns the response to a request with another method than the allowed one. */
export function notAllowed(method: string): Response {
  return json({ type: "method_not_allowed" }, 405, [["Allow", method]]);
}

/** Returns a redirect that the browser follows with GET. */
export function redirect(location: string, headers: ExtraHeaders = []): Response {
  return respond(null, { status: 303, headers: [["Location", location], ...headers] });
}

/** Returns a response without a body. */
export function empty(status: number, headers: ExtraHeaders = []): Response {
  return respond(null, { status, headers });
}

/** Returns a copy of a response of the application with the headers of the login. */
export function withOwnHeaders({ body, status, statusText, headers }: Response): Response {
  const copy = new Response(body, { status, statusText, headers: new Headers(headers) });
  for (const [name, value] of OWN_HEADERS) copy.headers.set(name, value);
  return copy;
}

function respond(
  body: string | null,
  { status, headers }: { readonly status: number; readonly headers: ExtraHeaders },
): Response {
  const all = new Headers();
  for (const [name, value] of [...OWN_HEADERS, ...headers]) all.append(name, value);
  return new Response(body, { status, headers: all });
}

/** Returns the first of the supported languages that the browser accepts. */
function languageOf({ headers }: Request): "en" | "ja" {
  const accepted = headers.get("Accept-Language") ?? "";
  const language = /(?:^|,)\s*(en|ja)\b/i.exec(accepted)?.[1]?.toLowerCase();
  return language === "ja" ? "ja" : "en";
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
