/** An error a server answered with, as RFC 9457 `application/problem+json`, or the lack of any answer. */
export class Problem extends Error {
  /** Last part of the problem's type, e.g. `wrong-pin`; `unreachable` or `timeout` when no answer came. */
  readonly slug: string;
  /** HTTP status, 0 when no answer came. */
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** The field of the request that is wrong, when the problem names one. */
  readonly field: string | null;
  /** Every other member of the problem, e.g. `attempts_left`, `holder`, `state`, `owner`. */
  readonly extras: Record<string, unknown>;

  constructor(slug: string, status: number, title: string, detail = '', field: string | null = null, extras: Record<string, unknown> = {}) {
    super(detail || title || slug);
    this.name = 'Problem';
    this.slug = slug;
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.field = field;
    this.extras = extras;
  }

  /** True when the server was not reached, so trying again later may help. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}

/** Read a problem from an answer's parsed body; anything else becomes a problem named after its status. */
export function problemFrom(status: number, body: unknown): Problem {
  if (typeof body !== 'object' || body === null) return new Problem(`http-${status}`, status, `HTTP ${status}`);
  const { type, title, status: _status, detail, field, ...extras } = body as Record<string, unknown>;
  const slug = typeof type === 'string' && type !== 'about:blank' ? (type.split('/').pop() ?? '') : `http-${status}`;
  return new Problem(
    slug,
    status,
    typeof title === 'string' ? title : `HTTP ${status}`,
    typeof detail === 'string' ? detail : '',
    typeof field === 'string' ? field : null,
    extras,
  );
}
