import { createHash } from "node:crypto";
import type { CompleteAnswer } from "./answer.ts";

/** A language of the pages. */
export type Language = "en" | "ja";

/** A piece of HTML that needs no escaping. */
export class Html {
  /** The HTML. */
  readonly text: string;

  /** Creates a piece of HTML. */
  constructor(text: string) {
    this.text = text;
  }
}

/** A value in a template: text is escaped, `undefined` and `false` are nothing. */
export type HtmlValue = string | number | Html | undefined | false | readonly HtmlValue[];

/** Creates HTML from a template, and escapes every value that is not HTML. */
export function markup(parts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  const texts = parts.map((part, i) => part + (i < values.length ? escaped(values[i]) : ""));
  return new Html(texts.join(""));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escaped(value: HtmlValue): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(escaped).join("");
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** Chooses a language by `?lang=` and `Accept-Language`. */
export function languageOf(lang: string | null, acceptLanguage: string | null): Language {
  if (lang === "en" || lang === "ja") return lang;
  const ranges = (acceptLanguage ?? "").split(",").map((range, order) => {
    const [tag = "", ...parameters] = range.trim().toLowerCase().split(";");
    const q = parameters.map((parameter) => /^\s*q=([\d.]+)$/.exec(parameter)?.[1]).find(Boolean);
    return { language: tag.trim().split("-")[0], quality: Number(q ?? 1), order };
  });
  const [best] = ranges
    .filter(({ language, quality }) => (language === "en" || language === "ja") && quality > 0)
    .sort((a, b) => b.quality - a.quality || a.order - b.order);
  return best?.language === "ja" ? "ja" : "en";
}

/** The parts of a page. */
export interface PageOptions {
  /** The status code. */
  readonly status?: number;
  /** The language. */
  readonly language: Language;
  /** The title. */
  readonly title: string;
  /** The content. */
  readonly body: Html;
  /** Whether the content needs the width of the window. */
  readonly wide?: boolean;
  /** The origin to which a form may lead, besides this machine. */
  readonly formTarget?: string | undefined;
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='9' fill='%234f46e5'/%3E%3Cpath d='M11 15v-3a5 5 0 0 1 10 0v3' fill='none' stroke='white' stroke-width='2.6'/%3E%3Crect x='8.5' y='14.5' width='15' height='10' rx='3' fill='white'/%3E%3C/svg%3E";

const STYLE = `
:root{color-scheme:light dark;--bg:#f4f5fa;--card:#fff;--text:#191b2b;--soft:#5a5f78;--line:#dfe2ee;--fill:#f6f7fc;--hover:#eef0ff;
--brand:#4f46e5;--strong:#4338ca;--on:#fff;--ring:#4f46e5;--bad:#b3261e;--badbg:#fdecea;--note:#6b4e00;--notebg:#fff6dc;--noteline:#f0dfa8;--ok:#157347;
--shadow:0 1px 2px rgb(20 22 50/.06),0 12px 32px rgb(20 22 50/.09)}
@media(prefers-color-scheme:dark){:root{--bg:#0f111a;--card:#181b28;--text:#eceef8;--soft:#a3a9c2;--line:#2e3347;--fill:#1f2333;--hover:#272c42;
--brand:#6d68f5;--strong:#837fff;--on:#fff;--ring:#a5a2ff;--bad:#ffb4ab;--badbg:#3a1a1a;--note:#f0d78a;--notebg:#2b2514;--noteline:#4a4020;--ok:#7ddba3;--shadow:0 12px 32px rgb(0 0 0/.45)}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Hiragino Sans","Noto Sans JP","Noto Sans CJK JP",sans-serif;
padding:clamp(16px,6vh,64px) 16px 32px;overflow-wrap:anywhere}
main{max-width:460px;margin:0 auto}main.wide{max-width:1040px}
.card{background:var(--card);border:1px solid var(--line);border-radius:18px;box-shadow:var(--shadow);padding:clamp(20px,6vw,36px)}
.brand{display:flex;align-items:center;gap:12px;margin:0 0 20px;color:var(--soft);font-size:14px;font-weight:600}
.brand img{width:36px;height:36px;display:block}
.tag{margin-left:auto;padding:2px 10px;border-radius:99px;background:var(--notebg);border:1px solid var(--noteline);color:var(--note);font-size:12px;white-space:nowrap}
::placeholder{color:var(--soft);opacity:.8}
h1{font-size:26px;line-height:1.25;letter-spacing:-.015em;margin:0 0 6px}
p{margin:0 0 16px}.soft{color:var(--soft);font-size:14px}
.users{display:grid;gap:10px;margin:22px 0 0;padding:0;list-style:none}
button,.link-button{font:inherit;cursor:pointer;border-radius:12px;min-height:48px;padding:10px 16px;border:1px solid var(--line);color:inherit;background:var(--card)}
.user{display:flex;align-items:center;gap:12px;width:100%;text-align:left;font-size:15px;line-height:1.35;font-weight:600;transition:background .12s,border-color .12s}
.user:hover{background:var(--hover);border-color:var(--brand)}
.user b{flex:none;display:grid;place-items:center;width:32px;height:32px;border-radius:50%;background:var(--hover);color:var(--strong);font-size:14px}
.user:hover b{background:var(--card)}.user span{min-width:0}
.user::after{content:"";flex:none;margin:0 4px 0 auto;width:8px;height:8px;border:solid var(--soft);border-width:2px 2px 0 0;transform:rotate(45deg)}
.or{display:flex;align-items:center;gap:12px;margin:22px 0 16px;color:var(--soft);font-size:13px}
.or::before,.or::after{content:"";flex:1;height:1px;background:var(--line)}
label{display:block;font-weight:600;font-size:14px}
input[type=text],textarea,select{display:block;width:100%;margin:6px 0 0;font:inherit;color:inherit;background:var(--fill);border:1px solid var(--line);border-radius:12px;padding:11px 14px;min-height:48px}
textarea{min-height:92px;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;resize:vertical}
.primary{width:100%;margin-top:12px;background:var(--brand);border-color:var(--brand);color:var(--on);font-weight:650}
.primary:hover{filter:brightness(1.08)}
:focus-visible{outline:3px solid var(--ring);outline-offset:2px}
details{margin-top:22px;border:1px solid var(--line);border-radius:12px;background:var(--fill)}
summary{cursor:pointer;padding:13px 16px;font-weight:600;font-size:14px;border-radius:12px}
details[open]>summary{border-bottom:1px solid var(--line);border-radius:12px 12px 0 0}
.choices{padding:16px;display:grid;gap:18px}
fieldset{border:0;margin:0;padding:0;min-width:0}
legend{padding:0;margin:0 0 4px;color:var(--soft);font-size:12px;font-weight:700;letter-spacing:.04em}
.check{display:flex;gap:10px;align-items:flex-start;font-weight:400;font-size:15px;padding:6px 0;cursor:pointer}
.check input{flex:none;width:18px;height:18px;margin:2px 0 0;accent-color:var(--brand)}
.choices select,.choices textarea{background:var(--card);font-weight:400}
.error{background:var(--badbg);color:var(--bad);border-radius:12px;padding:12px 14px;margin:16px 0 0;font-size:14px}
.note{display:block;margin:18px 4px 0;color:var(--soft);font-size:13px;text-align:center}
footer{display:flex;flex-wrap:wrap;gap:6px 18px;justify-content:center;margin-top:14px;font-size:13px}
a{color:var(--strong);text-underline-offset:3px}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;padding:0;min-height:0;border:0;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.scroll{overflow-x:auto;margin:18px 0 0;border:1px solid var(--line);border-radius:12px}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:9px 14px;border-bottom:1px solid var(--line);white-space:nowrap}
tr:last-child td{border-bottom:0}th{color:var(--soft);font-size:12px;background:var(--fill)}
td{font-variant-numeric:tabular-nums}code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.s2,.s3{color:var(--ok);font-weight:650}.s4,.s5{color:var(--bad);font-weight:650}
.top{display:flex;flex-wrap:wrap;gap:12px;align-items:center;justify-content:space-between}.top form{margin:0}.top button{min-height:40px;padding:6px 16px;font-size:14px;font-weight:600}.top button:hover{background:var(--hover);border-color:var(--brand)}
summary:hover{color:var(--strong)}
:lang(ja){word-break:auto-phrase}.note{text-wrap:balance}
@media(max-width:360px){body{padding-inline:12px}.card{padding:20px 18px}.user{padding:10px 12px;gap:10px;font-size:14px}}
@media(prefers-reduced-motion:reduce){*{transition:none!important}}
`;

/** Creates the response with a page. It has no script, and loads nothing. */
export function pageAnswer(
  { status = 200, language, title, body, wide = false, formTarget }: PageOptions,
): CompleteAnswer {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const headers = new Headers({
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    // Browsers check `form-action` along the redirects that follow a form, those of the application
    // included.
    "Content-Security-Policy": [
      "default-src 'none'",
      `style-src 'sha256-${hash}'`,
      "img-src data:",
      `form-action 'self' http://localhost:* http://127.0.0.1:*${
        formTarget === undefined ? "" : ` ${formTarget}`
      }`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "Referrer-Policy": "strict-origin",
    "Vary": "Accept-Language",
    "X-Content-Type-Options": "nosniff",
  });
  const page = markup`<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="icon" href="${ICON}">
<style>${new Html(STYLE)}</style>
</head>
<body>
<main${wide && new Html(' class="wide"')}>
${body}
</main>
</body>
</html>
`;
  return { kind: "complete", status, headers, body: page.text };
}

/** Creates the line at the top of a card. */
export function brand(tag: string): Html {
  return markup`<p class="brand"><img src="${ICON}" alt="">SaaSus<span class="tag">${tag}</span></p>`;
}
