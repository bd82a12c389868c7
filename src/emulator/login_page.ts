import type { CompleteAnswer } from "./answer.ts";
import { brand, type Html, type Language, markup, pageAnswer } from "./page.ts";
import { MAX_CLAIMS, type SignInProblem, type Trouble, TROUBLES, troublesIn } from "./sign_in.ts";
import type { User } from "./users.ts";

/** The state of the login page. */
export interface LoginPage {
  /** The language. */
  readonly language: Language;
  /** The path of the page. */
  readonly path: string;
  /** The ID of the tenant whose page it is. */
  readonly tenant: string | undefined;
  /** The users with a button. */
  readonly users: readonly User[];
  /** The page to which a code is sent. */
  readonly callbackUrl: URL;
  /** Whether refresh tokens rotate by default. */
  readonly rotation: boolean;
  /** The fields of a form that has a problem. */
  readonly fields: URLSearchParams;
  /** The problem. */
  readonly problem?: SignInProblem | undefined;
}

interface Texts {
  readonly title: string;
  readonly tag: string;
  readonly lead: string;
  readonly tenant: string;
  readonly signInAs: (name: string) => string;
  readonly or: string;
  readonly field: string;
  readonly signIn: string;
  readonly wrong: string;
  readonly groups: Readonly<Record<keyof typeof TROUBLES, string>>;
  readonly troubles: Readonly<Record<Trouble, string>>;
  readonly rotation: string;
  readonly rotations: Readonly<Record<"" | "on" | "off", string>>;
  readonly on: string;
  readonly off: string;
  readonly claims: string;
  readonly note: string;
  readonly requests: string;
  readonly other: string;
  readonly problems: Readonly<Record<SignInProblem, string>>;
}

const EN: Texts = {
  title: "Sign in",
  tag: "Emulator",
  lead: "Choose a user. You will return to",
  tenant: "SAML sign-in of the tenant",
  signInAs: (name) => `Sign in as ${name}`,
  or: "or as anyone else",
  field: "Email or sign-in ID",
  signIn: "Sign in",
  wrong: "What should go wrong",
  groups: {
    code: "Code",
    tokens: "Tokens",
    exchange: "Next exchange of a code",
    refresh: "Next refresh",
  },
  troubles: {
    "code-used": "The code was used already",
    "code-expired": "The code expires at once",
    "no-refresh-token": "There is no refresh token",
    "refresh-token-revoked": "The refresh token is revoked after a minute",
    "short-id-token": "The ID token expires after a minute",
    "exchange-503": "Answers 503",
    "exchange-slow": "Takes 3 seconds",
    "exchange-dropped": "Drops the connection",
    "refresh-503": "Answers 503",
    "refresh-slow": "Takes 3 seconds",
    "refresh-dropped": "Drops the connection",
  },
  rotation: "Refresh token rotation",
  rotations: { "": "As configured", on: "On", off: "Off" },
  on: "on",
  off: "off",
  claims: "Extra claims (JSON)",
  note: "This is an emulator on your machine. It asks for no password: never enter one here.",
  requests: "Requests",
  other: "日本語",
  problems: {
    no_name: "Enter an email address or a sign-in ID of at most 256 characters.",
    claims:
      `Extra claims must be a JSON object of at most ${MAX_CLAIMS} characters, such as {"locale":"en"}.`,
  },
};

const JA: Texts = {
  title: "ログイン",
  tag: "エミュレーター",
  lead: "ユーザーを選んでください。ログイン後の移動先:",
  tenant: "SAML ログインのテナント:",
  signInAs: (name) => `${name} としてログイン`,
  or: "または別のユーザー",
  field: "メールアドレスまたはログイン ID",
  signIn: "ログイン",
  wrong: "発生させる問題",
  groups: {
    code: "コード",
    tokens: "トークン",
    exchange: "次のコード交換",
    refresh: "次のリフレッシュ",
  },
  troubles: {
    "code-used": "コードは使用済み",
    "code-expired": "コードはすぐに期限切れ",
    "no-refresh-token": "リフレッシュトークンなし",
    "refresh-token-revoked": "リフレッシュトークンは 1 分後に失効",
    "short-id-token": "ID トークンの有効期間は 1 分",
    "exchange-503": "503 を返す",
    "exchange-slow": "3 秒かかる",
    "exchange-dropped": "接続を切断する",
    "refresh-503": "503 を返す",
    "refresh-slow": "3 秒かかる",
    "refresh-dropped": "接続を切断する",
  },
  rotation: "リフレッシュトークンのローテーション",
  rotations: { "": "設定どおり", on: "オン", off: "オフ" },
  on: "オン",
  off: "オフ",
  claims: "追加のクレーム (JSON)",
  note: "これは手元のマシンで動くエミュレーターです。パスワードは不要です。入力しないでください。",
  requests: "リクエスト",
  other: "English",
  problems: {
    no_name: "256 文字以内のメールアドレスまたはログイン ID を入力してください。",
    claims:
      `追加のクレームには {"locale":"ja"} のような ${MAX_CLAIMS} 文字以内の JSON オブジェクトを入力してください。`,
  },
};

/** Creates the response with the login page. */
export function loginPage(page: LoginPage): CompleteAnswer {
  const { language, callbackUrl, problem } = page;
  const texts = language === "ja" ? JA : EN;
  return pageAnswer({
    status: problem === undefined ? 200 : 400,
    language,
    title: `${texts.title} – ${texts.tag}`,
    body: bodyOf(page, texts),
    formTarget: callbackUrl.origin,
  });
}

function bodyOf(page: LoginPage, texts: Texts): Html {
  const { language, path, tenant, users, callbackUrl, problem } = page;
  const otherLanguage = language === "ja" ? "en" : "ja";
  // The hidden button comes first, so that the Enter key in the field does not press the button of
  // a user.
  return markup`<form class="card" method="post" action="${path}">
${brand(texts.tag)}
<h1>${texts.title}</h1>
<p class="soft">${texts.lead} <code>${callbackUrl.host}${callbackUrl.pathname}</code></p>
${tenant !== undefined && markup`<p class="soft">${texts.tenant} <code>${tenant}</code></p>`}
<input type="hidden" name="lang" value="${language}">
<button class="hidden" aria-hidden="true" tabindex="-1"></button>
${problem && markup`<p class="error" role="alert" id="problem">${texts.problems[problem]}</p>`}
${userButtons(users, texts)}
${nameField(page, texts)}
<button class="primary">${texts.signIn}</button>
${choices(page, texts)}
</form>
<p class="note">${texts.note}</p>
<footer><a href="/requests?lang=${language}">${texts.requests}</a>
<a href="${path}?lang=${otherLanguage}" lang="${otherLanguage}">${texts.other}</a></footer>`;
}

function userButtons(users: readonly User[], texts: Texts): Html | undefined {
  if (users.length === 0) return undefined;
  const buttons = users.map(({ name }) => {
    const initial = [...name][0]?.toUpperCase();
    return markup`<li><button class="user" name="user" value="${name}">
<b aria-hidden="true">${initial}</b><span>${texts.signInAs(name)}</span></button></li>
`;
  });
  return markup`<ul class="users">
${buttons}</ul>
<p class="or">${texts.or}</p>`;
}

const INVALID = markup` aria-invalid="true" aria-describedby="problem"`;

function nameField({ fields, problem }: LoginPage, texts: Texts): Html {
  const value = fields.get("name") ?? "";
  return markup`<label for="name">${texts.field}</label>
<input type="text" id="name" name="name" value="${value}" maxlength="256" autocomplete="off"
 autocapitalize="none" spellcheck="false"${problem === "no_name" && INVALID}>`;
}

function choices({ fields, problem, rotation }: LoginPage, texts: Texts): Html {
  const chosen = troublesIn(fields);
  const isOpen = problem === "claims" || chosen.length > 0 || Boolean(fields.get("rotation"));
  const groups = Object.entries(TROUBLES).map(([group, troubles]) =>
    markup`<fieldset><legend>${texts.groups[group as keyof typeof TROUBLES]}</legend>
${troubles.map((trouble) => checkbox(trouble, chosen.includes(trouble), texts))}</fieldset>
`
  );
  const claims = fields.get("claims") ?? "";
  return markup`<details${isOpen && markup` open`}><summary>${texts.wrong}</summary>
<div class="choices">
${groups}
<label>${texts.rotation}<select name="rotation">
${rotationOptions(fields.get("rotation"), rotation, texts)}</select></label>
<label for="claims">${texts.claims}
<textarea id="claims" name="claims" spellcheck="false" placeholder="${'{"locale":"en"}'}"${
    problem === "claims" && INVALID
  }>
${claims}</textarea></label>
</div>
</details>`;
}

function checkbox(trouble: Trouble, isChecked: boolean, texts: Texts): Html {
  const checked = isChecked && markup` checked`;
  return markup`<label class="check">
<input type="checkbox" name="trouble" value="${trouble}"${checked}>${
    texts.troubles[trouble]
  }</label>
`;
}

function rotationOptions(chosen: string | null, configured: boolean, texts: Texts): Html[] {
  const values = [
    ["", `${texts.rotations[""]} (${configured ? texts.on : texts.off})`],
    ["on", texts.rotations.on],
    ["off", texts.rotations.off],
  ] as const;
  return values.map(([value, label]) => {
    const selected = chosen === value && markup` selected`;
    return markup`<option value="${value}"${selected}>${label}</option>
`;
  });
}
