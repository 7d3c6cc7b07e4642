/** Everything that goes to the server and comes from it. */
import type { Setup } from "./types";

const meta = document.querySelector<HTMLMetaElement>('meta[name="setup"]');
export const setup: Setup = JSON.parse(meta?.content ?? "{}");

/** The server refused or failed; the message is for people. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

async function answer<T>(request: Promise<Response>): Promise<T> {
  let response: Response;
  try {
    response = await request;
  } catch {
    throw new Problem(0, "Unreachable", "The page's server does not answer. Is it still running? (make up)");
  }
  // A body that was cut off (its reader asked again meanwhile) is no answer: taken for one, it would be an empty one.
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, body?.error ?? "", body?.message ?? response.statusText);
  if (body === null) throw new Problem(0, "Unreachable", "The answer of the page's server was cut off.");
  return body as T;
}

export function read<T>(path: string, query: Record<string, string | number> = {}, signal?: AbortSignal): Promise<T> {
  const text = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)])).toString();
  return answer<T>(fetch(text ? `${path}?${text}` : path, { signal }));
}

/** The only way anything is done: a POST with this session's token. */
export function act<T>(path: string, body: object): Promise<T> {
  return answer<T>(
    fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-console-token": setup.token },
      body: JSON.stringify(body),
    }),
  );
}

/**
 * Follows a stream for as long as the page can be seen: a hidden tab asks for nothing.
 * Returns how to stop.
 */
export function follow<T>(path: string, take: (view: T) => void, lost: (isLost: boolean) => void): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  const open = () => {
    source = new EventSource(path);
    source.onmessage = (message) => {
      lost(false);
      take(JSON.parse(message.data) as T);
    };
    source.onerror = () => {
      lost(true);
      if (source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
      close();
      timer = window.setTimeout(sync, 2000);
    };
  };
  const close = () => {
    source?.close();
    source = null;
    window.clearTimeout(timer);
  };
  const sync = () => {
    if (document.hidden) close();
    else if (source === null) open();
  };
  document.addEventListener("visibilitychange", sync);
  sync();
  return () => {
    document.removeEventListener("visibilitychange", sync);
    close();
  };
}
