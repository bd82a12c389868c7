import type { CompleteAnswer } from "./answer.ts";
import { brand, type Html, type Language, markup, pageAnswer } from "./page.ts";
import type { HandledRequest } from "./request_log.ts";

const TEXTS = {
  en: {
    title: "Requests",
    tag: "Emulator",
    lead: "The last 100 requests, the newest first. Tokens and codes are not shown.",
    columns: ["Time", "Operation", "Status", "User", "Fault", "Trace ID"],
    none: "No requests yet.",
    reset: "Reset",
    resets: "Reset forgets all requests, codes and refresh tokens.",
    back: "Login page",
    dropped: "no response",
  },
  ja: {
    title: "リクエスト",
    tag: "エミュレーター",
    lead: "最新の 100 件を新しい順に表示します。トークンとコードは表示しません。",
    columns: ["時刻", "操作", "ステータス", "ユーザー", "障害", "トレース ID"],
    none: "リクエストはまだありません。",
    reset: "リセット",
    resets: "リセットすると、リクエスト、コード、リフレッシュトークンはすべて消去されます。",
    back: "ログインページ",
    dropped: "応答なし",
  },
} as const;

/** Creates the response with the page of the last requests. */
export function requestsPage(
  requests: readonly HandledRequest[],
  language: Language,
): CompleteAnswer {
  const texts = TEXTS[language];
  const rows = requests.toReversed().map((request) => row(request, texts.dropped));
  const table = markup`<div class="scroll" tabindex="0" role="region" aria-label="${texts.title}">
<table>
<thead><tr>${texts.columns.map((column) => markup`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
  const body = markup`<div class="card">
${brand(texts.tag)}
<div class="top"><h1>${texts.title}</h1>
<form method="post" action="/reset?lang=${language}"><button>${texts.reset}</button></form></div>
<p class="soft">${texts.lead} ${texts.resets}</p>
${rows.length === 0 ? markup`<p>${texts.none}</p>` : table}
</div>
<footer><a href="/login?lang=${language}">${texts.back}</a></footer>`;
  return pageAnswer({ language, title: `${texts.title} – ${texts.tag}`, body, wide: true });
}

function row(request: HandledRequest, dropped: string): Html {
  const { time, operation, authFlow, status, user, fault, traceId } = request;
  const statusClass = `s${String(status ?? 5).charAt(0)}`;
  const flow = authFlow !== undefined && markup` <code>${authFlow}</code>`;
  return markup`<tr><td>${new Date(time).toISOString().slice(11, 19)}</td>
<td>${operation}${flow}</td>
<td class="${statusClass}">${status ?? dropped}</td>
<td>${user}</td><td>${fault}</td><td><code>${traceId}</code></td></tr>
`;
}
