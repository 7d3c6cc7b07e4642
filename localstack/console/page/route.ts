/** Addresses: every view has one, and the back button works. */
import { useEffect, useState } from "preact/hooks";

export interface Route {
  /** The execution that is shown, or "" for the list. */
  arn: string;
  query: URLSearchParams;
}

const PREFIX = "/execution/";
const listeners = new Set<() => void>();

export function current(): Route {
  const path = location.pathname;
  return {
    arn: path.startsWith(PREFIX) ? decodeURIComponent(path.slice(PREFIX.length)) : "",
    query: new URLSearchParams(location.search),
  };
}

function tell() {
  for (const listener of listeners) listener();
}
window.addEventListener("popstate", tell);

export function useRoute(): Route {
  const [route, setRoute] = useState(current);
  useEffect(() => {
    const listener = () => setRoute(current());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return route;
}

export const executionPath = (arn: string, query: Record<string, string> = {}) => {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `${PREFIX}${encodeURI(arn)}${text ? `?${text}` : ""}`;
};

export function go(path: string) {
  history.pushState(null, "", path);
  tell();
  window.scrollTo(0, 0);
}

/** Change parts of this view's address; "" takes one away. Choosing makes no entry in the browser's history. */
export function change(parts: Record<string, string>, remember = false) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(parts)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  const text = query.toString();
  const path = `${location.pathname}${text ? `?${text}` : ""}`;
  if (path === location.pathname + location.search) return;
  if (remember) history.pushState(null, "", path);
  else history.replaceState(null, "", path);
  tell();
}

/** For the `onClick` of links inside the page; other clicks (new tab, …) are the browser's. */
export function follow(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.currentTarget as HTMLElement).closest("a");
  if (link === null) return;
  event.preventDefault();
  go(link.pathname + link.search);
}
